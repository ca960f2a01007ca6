// biome-ignore-all lint/suspicious/noTemplateCurlyInString: patches quote the source, templates and all.
/** In breakers: what gates calls to failing upstreams, and permits them again. */
import type { PlantedBug } from "./bugs.ts";

export const BREAKER_BUGS: readonly PlantedBug[] = [
	{
		name: "an open breaker gates no call",
		seenBy: 15,
		file: "shared/db/admission/may-run.ts",
		find: "const GATED = `deadline_at > ${NOW} AND (",
		replace: "const GATED = `deadline_at < 0 AND (",
	},
	{
		name: "a whole batch calls on one permit",
		seenBy: 392,
		file: "shared/db/admission/breakers.ts",
		find: "OR permits < ${place})",
		replace: "OR permits < 1)",
	},
	{
		name: "permitted calls use up no permits",
		seenBy: 16,
		file: "shared/db/admission/breakers.ts",
		find: "SET permits = max(1, permits - used.calls),\n\t\t       open_until = CASE WHEN permits <= used.calls THEN",
		replace: "SET permits = permits,\n\t\t       open_until = CASE WHEN permits < 0 THEN",
	},
	{
		name: "the last permit does not gate the calls after it",
		seenBy: 16,
		file: "shared/db/admission/breakers.ts",
		find: "open_until = CASE WHEN permits <= used.calls THEN",
		replace: "open_until = CASE WHEN permits < used.calls THEN",
	},
	{
		name: "a take-over calls despite an open breaker",
		seenBy: 49,
		file: "workers/consumer/run-messages.ts",
		find: "gatedBy: gated.get(job.jobId) ?? null,",
		replace: "gatedBy: null,",
	},
	{
		name: "a take-over by a lost request calls despite an open breaker",
		seenBy: 49,
		file: "shared/db/jobs/lease-jobs.ts",
		find: ": takenOverBefore.has(id));",
		replace: ": false);",
	},
	{
		name: "a recovery closes a breaker that tripped later",
		seenBy: 113,
		file: "shared/db/admission/breakers.ts",
		find: "WHERE key IN (SELECT value FROM json_each(?2)) AND tripped_at < ?3`",
		replace: "WHERE key IN (SELECT value FROM json_each(?2)) AND ?3 > 0`",
	},
	{
		name: "a call in flight when a breaker trips closes it sooner",
		seenBy: 113,
		file: "shared/db/admission/breakers.ts",
		find: "max(iif(${IS_LATER}, 0, open_until),",
		replace: "max(0,",
	},
	{
		name: "a call that its caller's limit cut counts against the model",
		scenario: "short-timeouts",
		file: "shared/core/upstreams/breaker.ts",
		find: "if (failure.isCut) return null;",
		replace: "",
	},
	{
		name: "a time-out is not marked as cut",
		scenario: "short-timeouts",
		file: "shared/model/call-model.ts",
		find: 'return newFailure({ class: "transient", code, message, status, isCut: true });',
		replace: 'return newFailure({ class: "transient", code, message, status });',
	},
	{
		name: "a breaker opens for as long as a provider requests",
		scenario: "day-long-retry-after",
		file: "shared/core/upstreams/breaker.ts",
		find: "return Math.min(waitMs, OPEN_MS_REQUESTED_MAX);",
		replace: "return waitMs;",
	},
	{
		name: "a request above a limit is throttled",
		scenario: "too-large-request",
		file: "shared/core/upstreams/classify-failure.ts",
		find: 'const ofRequest = isAboutAll ? classificationOfRequest(error.message ?? "") : null;',
		replace: "const ofRequest = isAboutAll ? null : null;",
	},
	{
		name: "each success releases all that a breaker admits",
		scenario: "throttled-model",
		file: "workers/consumer/report-to-breakers.ts",
		find: "releaseParked(db, probedBreakers, earnedBy(probedBreakers))",
		replace: "releaseParked(db, probedBreakers)",
	},
];
