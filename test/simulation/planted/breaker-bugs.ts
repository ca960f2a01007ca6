// biome-ignore-all lint/suspicious/noTemplateCurlyInString: patches quote the source, templates and all.
/** In what keeps calls away from upstreams in trouble, and lets them in again. */
import type { PlantedBug } from "./bugs.ts";

export const BREAKER_BUGS: readonly PlantedBug[] = [
	{
		name: "a cool-down keeps nobody away",
		seenBy: 15,
		file: "shared/db/admission/may-run.ts",
		find: "const GATED = `deadline_at > ${NOW} AND (",
		replace: "const GATED = `deadline_at < 0 AND (",
	},
	{
		name: "a whole batch goes in where a cool-down lets one call in",
		seenBy: 796,
		file: "shared/db/admission/may-run.ts",
		find: "OR permits < place_at_model)",
		replace: "OR permits < 1)",
	},
	{
		name: "calls that a cool-down lets in use up no slots",
		seenBy: 16,
		file: "shared/db/jobs/lease-jobs.ts",
		find: "SET permits = max(1, permits - used.calls), open_until = CASE WHEN permits <= used.calls THEN",
		replace: "SET permits = permits, open_until = CASE WHEN permits < 0 THEN",
	},
	{
		name: "the last call that a cool-down lets in does not close the door",
		seenBy: 16,
		file: "shared/db/jobs/lease-jobs.ts",
		find: "open_until = CASE WHEN permits <= used.calls THEN",
		replace: "open_until = CASE WHEN permits < used.calls THEN",
	},
	{
		name: "whoever takes a job over calls, whatever cools down",
		seenBy: 49,
		file: "workers/consumer/run-messages.ts",
		find: "mayCall: !gated.has(job.jobId),",
		replace: "mayCall: true,",
	},
	{
		name: "a job that was taken over by a lost request is called, whatever cools down",
		seenBy: 3919,
		file: "shared/db/jobs/lease-jobs.ts",
		find: ": takenOver.has(String(id));",
		replace: ": false;",
	},
	{
		name: "a recovery lifts a later cool-down",
		seenBy: 147,
		file: "shared/db/admission/breakers.ts",
		find: "WHERE key IN (SELECT value FROM json_each(?2)) AND tripped_at < ?3`",
		replace: "WHERE key IN (SELECT value FROM json_each(?2)) AND ?3 > 0`",
	},
	{
		name: "a call that was under way when a cool-down began makes it shorter",
		seenBy: 204,
		file: "shared/db/admission/breakers.ts",
		find: "open_until = max(iif(${IS_NEWS}, 0, open_until),",
		replace: "open_until = max(0,",
	},
];
