// biome-ignore-all lint/suspicious/noTemplateCurlyInString: patches quote the source, templates and all.
/** In what keeps the service going under pressure: work that is bounded, waits that end, rows of other versions. */
import type { PlantedBug } from "./bugs.ts";

export const PRESSURE_BUGS: readonly PlantedBug[] = [
	{
		name: "metadata of another version hides a result",
		seenBy: 77,
		file: "shared/storage/results.ts",
		find: "const { data = { attempt: null, modelAttempt: null } } = Metadata.safeParse(head.customMetadata);",
		replace: "const data = Metadata.parse(head.customMetadata);",
	},
	{
		name: "an outcome of another version cannot be read",
		seenBy: 52,
		file: "shared/core/jobs/attempts.ts",
		find: '=> typeof value === "string").catch("abandoned"),',
		replace: '=> typeof value === "string"),',
	},
	{
		name: "usage of another version cannot be read",
		seenBy: 52,
		file: "shared/core/jobs/attempts.ts",
		find: "usage: orNull(UsageSchema),",
		replace: "usage: UsageSchema.nullable().optional().transform((usage) => usage ?? null),",
	},
	{
		name: "a job that R2 keeps from its call is leased again at once",
		seenBy: 178,
		file: "shared/core/jobs/settlement.ts",
		find: "delayMs: Math.min(STORAGE_WAIT_MS * 2 ** Math.max(0, lostInARow - 1), STORAGE_WAIT_MS_MAX),",
		replace: "delayMs: lostInARow,",
	},
	{
		name: "a paid result is given up after a minute",
		seenBy: 275,
		file: "workers/consumer/persist.ts",
		find: "const giveUpAt = startedAt + STORE_END_MS_MAX;",
		replace: "const giveUpAt = Math.min(startedAt + STORE_END_MS_MAX, runtime.now() + 60_000);",
	},
	{
		name: "a job that killed a holder is called uncounted again",
		seenBy: 32,
		file: "shared/core/jobs/attempts.ts",
		find: 'return attempts.some(({ outcome, counted }) => outcome === "abandoned" && !counted);',
		replace: "return attempts.length > 999;",
	},
	{
		name: "a retry behind a slow neighbour is sent twice",
		scenario: "slow-neighbour",
		file: "workers/consumer/run-messages.ts",
		find: "await jobQueue.enqueue([key], disposition.delaySeconds);\n\t\treturn ACK;",
		replace: "await jobQueue.enqueue([key], disposition.delaySeconds);\n\t\treturn disposition;",
	},
	{
		name: "the sweeper does not rescue what dead holders left",
		seenBy: 1435,
		file: "workers/sweeper/index.ts",
		find: "run: rescueJobs, share:",
		replace: "run: async () => ({}), share:",
	},
	{
		name: "the sweeper releases no parked jobs",
		seenBy: 1435,
		file: "workers/sweeper/index.ts",
		find: "run: releaseAllParked,",
		replace: "run: async () => ({}),",
	},
	{
		name: "a job that is due much later takes a slot",
		seenBy: 113,
		file: "shared/db/jobs/submit-jobs.ts",
		find: "SELECT *, starts_at <= now AS is_due, starts_at <= now + ${SLOT_WAIT_MS} AS is_soon,",
		replace: "SELECT *, starts_at <= now AS is_due, starts_at <= now + 86400000 AS is_soon,",
	},
	{
		name: "a lost message is replaced after an hour",
		seenBy: 178,
		file: "shared/core/jobs/sweep.ts",
		find: "if (job.sweepAt > now && !(isDue(job, now) && job.hasSlot && queue.isEmpty))",
		replace: "if (job.sweepAt > now || (isDue(job, now) && now - runAt < 3_600_000))",
	},
	{
		name: "a result of unknown facts counts one attempt too many",
		seenBy: 907,
		file: "shared/core/jobs/settlement.ts",
		find: "stored.modelAttempt ?? Math.min(job.attempt, job.maxAttempts)",
		replace: "stored.modelAttempt ?? job.attempt",
	},
];
