/** The states of models: their words, what they mean for jobs, and the tone that their colour has. */
import { type ShownState, shownState } from "./states.ts";

interface ShownModelState extends ShownState {
	/** A sentence. */
	says: string;
}

const SHOWN: Record<string, ShownModelState> = {
	healthy: { word: "Healthy", tone: "good", says: "Calls start at once." },
	recovering: { word: "Recovering", tone: "active", says: "A few calls may start, to see whether they succeed." },
	throttled: { word: "Throttled", tone: "warning", says: "The provider asked for fewer calls." },
	unavailable: { word: "Unavailable", tone: "bad", says: "Calls failed in a row." },
	blocked: { word: "Blocked", tone: "bad", says: "The provider refuses the service's credential." },
};

/** A state that is newer than this page is shown as it is. */
export function shownModelState(state: string): ShownModelState {
	return SHOWN[state] ?? { ...shownState(state), says: "" };
}
