/** What the list shows: as the address has it, and as the filter box has it: `status:failed model:openai/gpt-5.5 user:42`. */
import type { JobFilters } from "../../../client/jobs.ts";
import type { Job } from "../../../client/schemas.ts";

export const STATES: Job["status"][] = ["queued", "running", "succeeded", "failed", "cancelled", "expired"];

export interface Filters {
	status: Job["status"] | null;
	reason: string | null;
	model: string | null;
	metadata: Record<string, string>;
}

const METADATA = /^metadata\[(.+)\]$/;
const NAMED = ["status", "reason", "model"] as const;

const isState = (text: string | undefined): text is Job["status"] => STATES.some((state) => state === text);

export function filtersOf(query: Record<string, string>): Filters {
	const metadata = Object.entries(query).flatMap(([name, value]) => {
		const key = METADATA.exec(name)?.[1];
		return key === undefined ? [] : [[key, value] as const];
	});
	const { status, reason = null, model = null } = query;
	return { status: isState(status) ? status : null, reason, model, metadata: Object.fromEntries(metadata) };
}

/** What an address asks for that is no filter: one sentence each. A list without it would seem to be what was asked for. */
export function wrongIn(query: Record<string, string>): string[] {
	return Object.entries(query).flatMap(([name, value]) => {
		if (name === "status") return isState(value) ? [] : [`“${value}” is no status: it is one of ${STATES.join(", ")}.`];
		return NAMED.some((one) => one === name) || METADATA.test(name) ? [] : [`“${name}” is no filter of this list.`];
	});
}

export function addressOf({ metadata, ...named }: Filters): string {
	const query = new URLSearchParams();
	for (const name of NAMED) if (named[name] !== null) query.set(name, named[name]);
	for (const [key, value] of Object.entries(metadata)) query.set(`metadata[${key}]`, value);
	return `/dashboard/jobs${query.size === 0 ? "" : `?${query}`}`;
}

/** What the API takes. */
export function asked({ status, reason, model, metadata }: Filters): JobFilters {
	return {
		...(status === null ? {} : { status }),
		...(reason === null ? {} : { statusReason: reason }),
		...(model === null ? {} : { model }),
		metadata,
	};
}

/** Without the state, which the tabs show. */
export function textOf({ reason, model, metadata }: Filters): string {
	const pairs = Object.entries({ reason, model, ...metadata });
	return pairs.flatMap(([key, value]) => (value === null ? [] : [`${key}:${quoted(value)}`])).join(" ");
}

const quoted = (value: string) => (/[\s"]/.test(value) || value === "" ? `"${value.replaceAll('"', '\\"')}"` : value);

/** A word of the filter box: `key:value` or `key:"a value"`. */
const WORD = /([^\s:"]+):(?:"((?:[^"\\]|\\.)*)"|(\S*))|(\S+)/g;

export type Parsed = { is: "filters"; filters: Filters } | { is: "job"; id: string } | { is: "wrong"; why: string };

/** @param status the state of the tab, which stays unless the text names one */
export function parsed(text: string, status: Filters["status"]): Parsed {
	const filters: Filters = { status, reason: null, model: null, metadata: {} };
	for (const [, key, inQuotes, plain, alone] of text.matchAll(WORD)) {
		if (alone !== undefined && /^job_\w+$/.test(alone)) return { is: "job", id: alone };
		if (key === undefined) return { is: "wrong", why: `“${alone}” is no filter. Write key:value, or the id of a job.` };
		const value = inQuotes?.replaceAll('\\"', '"') ?? plain ?? "";
		if (key === "status" && !isState(value)) return { is: "wrong", why: `A status is one of ${STATES.join(", ")}.` };
		if (key === "status") filters.status = isState(value) ? value : null;
		else if (key === "model" || key === "reason") filters[key] = value;
		else filters.metadata[key] = value;
	}
	return { is: "filters", filters };
}
