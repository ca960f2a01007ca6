/** What can become of one call to the outside, other than what should. */

export type Outside = "d1" | "r2" | "queue" | "fetch" | "ai" | "limiter";

export interface Call {
	/** What lies outside, and what is called there: "d1 lease jobs". */
	name: string;
	/** Distinguishes calls of one name. */
	detail?: string;
	outside: Outside;
	/** Changes nothing, so that it does not matter whether it took effect. */
	isRead: boolean;
	/** Whether its reply has a body that is read later. */
	hasBody: boolean;
	/** The jobs it is about: the random part of their ids, or for the model their prompt. */
	about: string[];
}

/** What a fault can do to the call that it meets. */
interface Faulty {
	/** As the platform words it. */
	error(): Error;
	breakBody(ending: "breaks off" | "never ends"): void;
	/** Ends the process that made the call. */
	kill(): void;
}

/** `go` makes the call, and may be called later, or never. */
export type Fault = (go: () => Promise<void>, call: Faulty) => Promise<void>;

const never = () => new Promise<never>(() => undefined);

export const FAULTS = {
	"fails before": async (_go, { error }) => {
		throw error();
	},
	"fails after": async (go, { error }) => {
		await go();
		throw error();
	},
	"hangs before": never,
	"hangs after": async (go) => {
		await go();
		await never();
	},
	"body breaks off": async (go, { breakBody }) => {
		await go();
		breakBody("breaks off");
	},
	"body never ends": async (go, { breakBody }) => {
		await go();
		breakBody("never ends");
	},
	"dies before": async (_go, { kill }) => kill(),
	"dies after": async (go, { kill }) => {
		await go();
		kill();
	},
} as const satisfies Record<string, Fault>;

export type FaultKind = keyof typeof FAULTS;

/** The faults of a call alone that differ for it: a read that took effect is a read that did not. */
export function faultsOf({ isRead, hasBody }: Call): FaultKind[] {
	return [
		...(["fails before", "hangs before"] as const),
		...(isRead ? [] : (["fails after", "hangs after"] as const)),
		...(hasBody ? (["body breaks off", "body never ends"] as const) : []),
	];
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

/** A body of two bytes, and then an error or nothing at all. */
export function brokenBody(ending: "breaks off" | "never ends"): ReadableStream<Uint8Array> {
	let pulls = 0;
	return new ReadableStream({
		async pull(controller) {
			if (pulls++ === 0) controller.enqueue(new TextEncoder().encode('{"'));
			else if (ending === "breaks off") controller.error(new Error("Network connection lost."));
			else await never();
		},
	});
}
