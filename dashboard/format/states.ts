/** The states of jobs and deliveries: their words, and the tone that their colour has. */

export type Tone = "idle" | "active" | "good" | "bad" | "warning";

export interface ShownState {
	word: string;
	tone: Tone;
}

const SHOWN: Record<string, ShownState> = {
	// Of jobs.
	queued: { word: "Queued", tone: "idle" },
	running: { word: "Running", tone: "active" },
	succeeded: { word: "Succeeded", tone: "good" },
	failed: { word: "Failed", tone: "bad" },
	cancelled: { word: "Cancelled", tone: "idle" },
	expired: { word: "Expired", tone: "warning" },
	// Of deliveries.
	pending: { word: "Pending", tone: "idle" },
	delivered: { word: "Delivered", tone: "good" },
	exhausted: { word: "Given up", tone: "bad" },
	skipped: { word: "Skipped", tone: "warning" },
};

/** A state that is newer than this page is shown as it is. */
export function shownState(state: string): ShownState {
	return SHOWN[state] ?? { word: state.slice(0, 1).toUpperCase() + state.slice(1).replaceAll("_", " "), tone: "idle" };
}

/** "rate_limited" → "rate limited": stable codes as words. */
export const words = (code: string): string => code.replaceAll("_", " ");
