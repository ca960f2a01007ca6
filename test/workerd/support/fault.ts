/** What can become of one call to the outside, other than what should. */

export const FAULT_KINDS = [
	"fails before it takes effect",
	"takes effect and fails",
	"never answers and takes no effect",
	"takes effect and never answers",
	"answers with a body that breaks off",
	"answers with a body that never ends",
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export type Outside = "d1" | "r2" | "queue" | "fetch" | "ai" | "limiter";

export interface Call {
	/** What lies outside, and what is asked of it: "d1 lease jobs". */
	name: string;
	/** What tells apart calls of one name, for whoever looks at them. */
	detail?: string;
	outside: Outside;
	/** Changes nothing, so that it does not matter whether it took effect. */
	isRead: boolean;
	/** Whether its answer has a body that is read later. */
	hasBody: boolean;
	/** The jobs it is about: the random part of their ids, or for the model their prompt. */
	about: string[];
}

/** The faults that differ for such a call. */
export function faultsOf({ isRead, hasBody }: Call): FaultKind[] {
	return FAULT_KINDS.filter((fault) => {
		if (fault.includes("body")) return hasBody;
		return !isRead || (fault !== "takes effect and fails" && fault !== "takes effect and never answers");
	});
}

/** As the platform words them; each is tried somewhere. */
const WORDS: Readonly<Record<Outside, readonly string[]>> = {
	d1: [
		"D1_ERROR: Network connection lost.",
		"D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.",
		"D1_ERROR: D1 DB reset because its code was updated.",
		"D1_ERROR: database is locked",
		"D1_ERROR: Internal error in D1 DB storage caused object to be reset.",
	],
	r2: ["put: We encountered an internal error. Please try again. (10001)", "Network connection lost."],
	queue: ["Queue sendBatch failed: Queue is overloaded. Please back off.", "Queue send failed: Too Many Requests"],
	fetch: ["Network connection lost."],
	ai: ["Network connection lost."],
	limiter: ["Network connection lost."],
};

/** @param turn which of the wordings, so that all get their turn */
export function errorOf(outside: Outside, turn: number): Error {
	const words = WORDS[outside];
	return new Error(words[turn % words.length]);
}

/** A body that says a little, and then breaks or falls silent. */
export function brokenBody(fault: FaultKind): ReadableStream<Uint8Array> {
	let pulls = 0;
	return new ReadableStream({
		async pull(controller) {
			if (pulls++ === 0) controller.enqueue(new TextEncoder().encode('{"'));
			else if (fault === "answers with a body that breaks off") controller.error(new Error("Network connection lost."));
			else await new Promise<never>(() => undefined);
		},
	});
}
