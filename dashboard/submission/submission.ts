/** A submission: what a job was submitted with, what a form changes of it, and how a program would send it. */
import type { Job, RetryJob, SubmitJob } from "../../client/index.ts";

/** Fields as they are on the wire. A field that is missing has the service's default. */
export type Draft = Record<string, unknown>;

const DEFAULTS: Record<string, unknown> = {
	priority: 5,
	deadline_seconds: 86_400,
	timeout_seconds: 600,
	max_attempts: 5,
	retain_seconds: 2_592_000,
};

/** The submission of a job, without what it left to the defaults. @param input undefined: it stays where it is stored */
export function submissionOf(job: Job, input: unknown): Draft {
	const { models, webhook, gateway, metadata } = job;
	const fields: Draft = {
		model: models.length === 1 ? models[0] : models,
		input,
		webhook: webhook === null ? undefined : { ...webhook, events: webhook.events ?? undefined },
		priority: job.priority,
		gateway: gateway === null ? undefined : withoutEmpty(gateway),
		metadata: Object.keys(metadata).length === 0 ? undefined : metadata,
		deadline_seconds: (Date.parse(job.deadline_at) - Date.parse(job.run_at)) / 1_000,
		timeout_seconds: job.timeout_seconds,
		max_attempts: job.max_attempts,
		retain_seconds: job.retain_seconds,
	};
	const isDefault = (name: string, value: unknown) => DEFAULTS[name] !== undefined && DEFAULTS[name] === value;
	return JSON.parse(
		JSON.stringify(Object.fromEntries(Object.entries(fields).filter(([name, value]) => !isDefault(name, value)))),
	);
}

const withoutEmpty = (fields: object) =>
	Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));

export const isSame = (a: unknown, b: unknown): boolean => a === b || canonical(a) === canonical(b);

/** Objects are equal in any order of their fields. */
function canonical(value: unknown): string | undefined {
	return JSON.stringify(value, (_, one: unknown) =>
		typeof one === "object" && one !== null && !Array.isArray(one)
			? Object.fromEntries(Object.entries(one).toSorted(([a], [b]) => (a < b ? -1 : 1)))
			: one,
	);
}

/** The names of the fields that differ; those of the input as `input.messages`. */
export function changedFields(before: Draft, after: Draft): string[] {
	const names = new Set([...Object.keys(before), ...Object.keys(after)]);
	return [...names].flatMap((name) => {
		if (isSame(before[name], after[name])) return [];
		if (name !== "input") return [name];
		return changedFields({ ...Object(before.input) }, { ...Object(after.input) }).map((field) => `input.${field}`);
	});
}

/** What a retry sends: the fields that changed. One that was emptied is sent with its default: without it, the old job's would stay. */
export function overridesOf(before: Draft, after: Draft): RetryJob {
	const filled = Object.entries({ ...before, ...after }).map(
		([name]) => [name, after[name] ?? DEFAULTS[name]] as const,
	);
	return Object.fromEntries(
		filled.filter(([name, value]) => value !== undefined && !isSame(before[name] ?? DEFAULTS[name], value)),
	);
}

/** Fields that a retry cannot leave out: it takes those of the old job. */
export function keptFields(before: Draft, after: Draft): string[] {
	return Object.keys(before).filter(
		(name) => before[name] !== undefined && after[name] === undefined && DEFAULTS[name] === undefined,
	);
}

/** Without what a form has left empty. The service says what is wrong with the rest. */
export function bodyOf({ input, ...fields }: Draft): SubmitJob {
	const filled = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== ""));
	return { ...filled, input: { messages: [], ...Object(input) } };
}

export function asCurl(origin: string, path: string, body: unknown): string {
	return [
		`curl ${origin}${path}`,
		'  -H "Authorization: Bearer $HOLDFAST_API_KEY"',
		"  -H 'Content-Type: application/json'",
		`  -d ${shellQuoted(JSON.stringify(body, null, 2))}`,
	].join(" \\\n");
}

/** Between single quotes, a shell reads every character as it is. */
function shellQuoted(text: string): string {
	return `'${text.replaceAll("'", "'\\''")}'`;
}

export function asTypeScript(origin: string, body: unknown): string {
	return `import { Holdfast } from "holdfast";

const holdfast = new Holdfast({ baseUrl: ${JSON.stringify(origin)}, apiKey: process.env.HOLDFAST_API_KEY });

const { text, job } = await holdfast.jobs.run(${JSON.stringify(body, null, 2)});
console.log(job.id, text);
`;
}
