/** One job: what is submitted, and what its caller does afterwards. */
import type { Dice } from "../simulation/world/dice.ts";

export interface PlannedJob {
	/** In the metadata, and the first word of the prompt: shows whose job, whose call and whose result it is. */
	tag: string;
	/** After the service was ready for the first time. */
	atMs: number;
	key: string;
	body: string;
	/** The events that its webhook wants; null: no webhook. */
	wants: readonly string[] | null;
	/** Whether the same request is sent twice at once. */
	isDoubled: boolean;
	/** Whether its caller goes away when the first try is not answered, without knowing whether there is a job. */
	givesUp: boolean;
	/** Until its caller looks for the first time; the next looks are ever further apart. */
	lookAfterMs: number;
	/** Whether its caller holds the line with `Prefer: wait`. */
	waits: boolean;
	/** After it was accepted; null: it is left to run. */
	cancelAfterMs: number | null;
	/** When, after the end was seen, its result is read again; and whether a cancel that comes too late is tried. */
	readAgainAfterMs: number[];
	cancelsTooLate: boolean;
}

const EVENTS = ["job.succeeded", "job.failed", "job.cancelled", "job.expired"] as const;

/**
 * Many, so that one in trouble holds up few jobs. A model either says "later" now and then or fails: one that does both is
 * left alone for minutes. Few say "later", since a pause may break the connection of the call that probes one afterwards.
 */
const MODELS = { busy: 4, shaky: 30 };
/** Above this an input lives in R2 and not in its row. */
const LARGE_CHARS = 40_000;
/** Longer than the slowest answer, so that a call that times out was going to be silent for ever. */
const TIMEOUT_SECONDS = 15;

export function planJob(dice: Dice, tag: string, run: { spreadMs: number; webhookUrl: string }): PlannedJob {
	const wants = dice.chance(0.8) ? (dice.chance(0.9) ? EVENTS : [dice.pick(EVENTS)]) : null;
	const webhook = {
		url: `${run.webhookUrl}/${tag}`,
		payload: dice.pick(["full", "thin"]),
		...(wants === EVENTS ? {} : { events: wants }),
	};
	const content = `${tag} asks this${dice.chance(0.03) ? " again".repeat(LARGE_CHARS / 6) : ""}`;
	const kind = dice.weighted({ busy: 1, shaky: 7 });
	const body = {
		model: `${kind}/${dice.between(1, MODELS[kind])}`,
		input: { messages: [{ role: "user", content }], ...(dice.chance(0.15) ? { stream: true } : {}) },
		metadata: { tag },
		timeout_seconds: TIMEOUT_SECONDS,
		max_attempts: dice.pick([3, 5, 5, 8]),
		...(dice.chance(0.04) ? { deadline_seconds: dice.between(2, 12) } : {}),
		...(dice.chance(0.1) ? { delay_seconds: dice.between(1, 6) } : {}),
		...(wants === null ? {} : { webhook }),
	};
	return {
		tag,
		atMs: dice.next() * run.spreadMs,
		key: `key-${tag}`,
		body: JSON.stringify(body),
		wants,
		isDoubled: dice.chance(0.1),
		givesUp: dice.chance(0.05),
		lookAfterMs: dice.between(700, 4_000),
		waits: dice.chance(0.04),
		cancelAfterMs: dice.chance(0.1) ? dice.skewed(0, 10_000) : null,
		readAgainAfterMs: Array.from({ length: dice.between(0, 2) }, () => dice.between(200, 15_000)),
		cancelsTooLate: dice.chance(0.1),
	};
}
