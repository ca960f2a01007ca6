/** What is not as it should be, worst first. */
import type { Model, Stats, WebhookEndpoint } from "../../../client/schemas.ts";
import { shownModelState } from "../../format/model-states.ts";
import { counted } from "../../format/numbers.ts";
import type { Tone } from "../../format/states.ts";
import { duration } from "../../format/times.ts";
import { visible } from "../../format/visible.ts";

export interface Problem {
	tone: Tone;
	text: string;
	/** What the text goes on with: a time. */
	until: string | null;
	href: string;
}

/** Older than any call takes, as a rule. */
const OLD_MS = 5 * 60_000;
const WORST_FIRST: Tone[] = ["bad", "warning", "active"];

/** Undefined: it is not known, because it was not read yet, or because the key may not read it. */
interface Known {
	models: Model[] | undefined;
	endpoints: WebhookEndpoint[] | undefined;
	stats: Stats | undefined;
}

export function problemsOf({ models = [], endpoints = [], stats }: Known, now: number): Problem[] {
	const problems = [
		...models.flatMap(ofModel),
		...endpoints.flatMap(ofEndpoint),
		...(stats ? ofStats(stats, now) : []),
	];
	return problems.toSorted((one, other) => WORST_FIRST.indexOf(one.tone) - WORST_FIRST.indexOf(other.tone));
}

function ofModel({ id, state, until, parked_jobs: { value, or_more } }: Model): Problem[] {
	if (state === "healthy") return [];
	const { word, tone } = shownModelState(state);
	const waiting = value === 0 ? "" : `, and ${counted(value, "job waits", "jobs wait")}`;
	const text = `${id} is ${word.toLowerCase()}${or_more ? waiting.replace(" job", "+ job") : waiting}`;
	return [{ tone, text, until, href: "/dashboard/models" }];
}

function ofEndpoint({ id, name, status, paused_until }: WebhookEndpoint): Problem[] {
	const of = { text: `The endpoint ${visible(name)} is`, href: `/dashboard/webhooks/${id}`, until: null };
	if (status === "disabled") return [{ ...of, tone: "bad", text: `${of.text} disabled` }];
	if (paused_until === null) return [];
	return [{ ...of, tone: "warning", text: `${of.text} paused, because its last deliveries failed` }];
}

function ofStats({ oldest_open_at }: Stats, now: number): Problem[] {
	const age = oldest_open_at === null ? 0 : now - Date.parse(oldest_open_at);
	if (age <= OLD_MS) return [];
	const text = `The oldest open job was submitted ${duration(age)} ago`;
	return [{ tone: "warning", text, until: null, href: "/dashboard/jobs" }];
}
