/**
 * What the outside did and saw, in order: one entry when a request is sent (`invoke`) and one when it is over. A request
 * without an answer, or with a 5xx, is over as `info`: it may have taken effect, now or later, or not at all. One JSON
 * object a line in a file, so that what makes a history, a simulated world or a supervisor of real processes, can
 * hand it to the same checker.
 */
export interface HistoryEvent {
	/** Milliseconds, by the one clock of the history's writer. */
	at: number;
	/** Who: one client does one thing at a time. */
	client: string;
	type: "invoke" | "ok" | "fail" | "info";
	/**
	 * What callers ask for; `webhook`: an event that arrived, which a receiver took (`ok`) or did not (`info`), or that
	 * the service says it gave up (`fail`); `call`: a model call as its provider saw it, answered (`ok`), refused (`fail`)
	 * or cut (`info`); `attempts`: what a job's history shows; `harm`: the service was killed or paused; `endpoint`:
	 * something about a registered receiver.
	 */
	op:
		| "submit"
		| "get"
		| "result"
		| "cancel"
		| "delete"
		| "list"
		| "webhook"
		| "call"
		| "attempts"
		| "harm"
		| "endpoint";
	/** The same for an invocation and its end. */
	request: number;
	tenant: string;
	/**
	 * Names a submission: stands in the job's metadata, so that a job found later is known by it. Of a call: whose prompt
	 * it brought; of a result: whose prompt it answers.
	 */
	tag?: string;
	/** The Idempotency-Key of a submission, and a digest of what was sent with it. */
	key?: string;
	fingerprint?: string;
	/** The job asked for, or answered. */
	job?: string;
	/** HTTP status. */
	code?: number;
	/** The job as answered. */
	status?: string;
	version?: number;
	/** A digest of the result's bytes. */
	sha?: string;
	/** What a listing found. */
	jobs?: { job: string; tag: string | null; status: string }[];
	/** Of a webhook: its id, which is the event's, and what it says happened. */
	webhookId?: string;
	eventType?: string;
	/** Of a webhook: the registered receiver that got it; none: the job's own, one-off one. */
	receiver?: string;
	/** Of a submission: the events its webhook wants; null: none. */
	wants?: readonly string[] | null;
	/** Of a call: whether its provider set out to answer it, so that it has to be paid for. */
	isPaid?: boolean;
	/** Of `attempts`: how many calls the job's history has. */
	recorded?: number;
	/** Of `harm`: what was done to the service. */
	kind?: string;
	/** Of a submission: how long it is to be kept once final. */
	retainMs?: number;
	/** Asked after everything had come to rest: what is not there now is lost. */
	isDrain?: boolean;
}

export const FINAL_STATUSES: readonly string[] = ["succeeded", "failed", "cancelled", "expired"];

export function toJsonLines(history: readonly HistoryEvent[]): string {
	return history.map((event) => `${JSON.stringify(event)}\n`).join("");
}

export function fromJsonLines(text: string): HistoryEvent[] {
	return text
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => JSON.parse(line) as HistoryEvent);
}
