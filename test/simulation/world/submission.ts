/** What a caller asks for: thrown from the dice, valid always. */
import type { Dice } from "./dice.ts";

export interface Submission {
	/** In the metadata, and the first word of the prompt: shows whose job and whose result it is. */
	tag: string;
	key: string | null;
	body: string;
	/** The events that its webhook wants; null: no webhook. */
	wants: readonly string[] | null;
	retainMs: number;
}

const EVENTS = ["job.succeeded", "job.failed", "job.cancelled", "job.expired"] as const;
const DAY_SECONDS = 86_400;
const SHORT_SECONDS = [3_600, 3_600];
/** Above this an input lives in R2 and not in its row. */
const LARGE_BYTES = 33_000;

interface Circumstances {
	tenant: string;
	/** Its webhook may want to hear of the start, too. */
	asksForStart: boolean;
	/** Some are more urgent than others. */
	isUrgent: boolean;
	/** Its calls have no time to be answered. */
	isCut: boolean;
	/** It has not a day's time, because its provider might ask for that. */
	isShort: boolean;
}

export function throwSubmission(
	dice: Dice,
	tag: string,
	{ tenant, asksForStart, isUrgent, isCut, isShort }: Circumstances,
): Submission {
	const events = dice.chance(0.75) ? (dice.chance(0.8) ? EVENTS : [dice.pick(EVENTS)]) : null;
	const wants = events !== null && asksForStart && dice.chance(0.4) ? ["job.started", ...events] : events;
	const retainSeconds = dice.pick([2_592_000, 2_592_000, 0, 60, 600]);
	const webhook = {
		url: `https://hooks.receiver.com/${tenant}`,
		payload: dice.pick(["full", "thin"]),
		...(wants === EVENTS ? {} : { events: wants }),
	};
	const content = dice.chance(0.06) ? `${tag} ${"x".repeat(LARGE_BYTES)}` : `${tag} is what I ask`;
	const body = {
		model: dice.pick(["alpha/one", ["alpha/one", "beta/two"], ["beta/two", "alpha/one", "alpha/three"]]),
		input: { messages: [{ role: "user", content }] },
		metadata: { tag },
		max_attempts: dice.pick([1, 2, 3, 5]),
		timeout_seconds: isCut ? 1 : dice.pick([30, 120, 600, 780]),
		retain_seconds: retainSeconds,
		deadline_seconds: dice.pick([...(isShort ? SHORT_SECONDS : [DAY_SECONDS, DAY_SECONDS]), 600, 120, 20]),
		...(wants === null ? {} : { webhook }),
		...(dice.chance(0.2) ? { delay_seconds: dice.pick([1, 30, 300, 1_200]) } : {}),
		...(isUrgent ? { priority: dice.between(0, 9) } : {}),
	};
	return {
		tag,
		key: dice.chance(0.6) ? `key-${tag}` : null,
		body: JSON.stringify(body),
		wants,
		retainMs: retainSeconds * 1000,
	};
}
