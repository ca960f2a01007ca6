// biome-ignore-all lint/suspicious/noTemplateCurlyInString: patches quote the source, templates and all.
/** In intake: what a 202 promises, and what an idempotency key does. */
import type { PlantedBug } from "./bugs.ts";

export const INTAKE_BUGS: readonly PlantedBug[] = [
	{
		name: "a repeated submission has an id of its own",
		seenBy: 18,
		file: "workers/intake/jobs/submit.ts",
		find: "if (isRepeat) return submitAgain(db, job)",
		replace: "if (isRepeat) return submitAgain(db, { ...job, jobId: `${job.jobId.slice(0, -1)}0` })",
	},
	{
		name: "a job is stored apart from its idempotency key",
		seenBy: 1,
		file: "shared/db/jobs/submit-job.ts",
		find: '\tconst make = making(db, job, "TRUE");',
		replace: `	if (job.idempotency !== null) {
		await db.transact("submit job", [insertJob(db, job, NOT_ERASED)]);
	}
	const make = making(db, job, "TRUE");`,
	},
	{
		name: "a key does not keep a second job out",
		seenBy: 5,
		file: "shared/db/jobs/submit-job.ts",
		find: 'const KEY_CLAIMED = "changes() > 0";',
		replace: 'const KEY_CLAIMED = "changes() >= 0";',
	},
	{
		name: "a key is forgotten with its job",
		seenBy: 3,
		file: "shared/db/jobs/claim-key.ts",
		find: "WHERE idempotency_keys.expires_at <= ${NOW} OR",
		replace: "WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE id = idempotency_keys.job_id) OR",
	},
	{
		name: "a 202 is answered though nothing is stored",
		seenBy: 11,
		file: "workers/intake/jobs/submit.ts",
		find: "if (isRepeat) return submitAgain(db, job)",
		replace:
			'if (isRepeat) return { outcome: "created", job: { ...job, input: null, status: "queued", statusReason: null, version: 1, model: job.models[0], attempt: 0, fence: 0, holder: null, leasedAt: null, leaseExpiresAt: null, attempts: [], usage: null, startedAt: null, finishedAt: null, error: null, cancellation: null, resultBytes: null, createdAt: 0, deadlineAt: 0, runAt: 0, parkedOn: null } as never }',
	},
	{
		name: "a job is read without its tenant",
		seenBy: 14,
		file: "shared/db/jobs/find-job.ts",
		find: "sql: `SELECT ${JOB_SUMMARY_COLUMNS} FROM jobs WHERE tenant_id = ?1 AND id = ?2 AND ${IS_SERVED}`",
		replace: "sql: `SELECT ${JOB_SUMMARY_COLUMNS} FROM jobs WHERE ?1 IS NOT NULL AND id = ?2 AND ${IS_SERVED}`",
	},
	{
		name: "a retried job sends another prompt",
		seenBy: 9,
		file: "workers/intake/jobs/retry-job.ts",
		find: "ownInput === undefined ? await inputOf(c, old)",
		replace: 'ownInput === undefined ? (await inputOf(c, old)).replace(\'"content":"\', \'"content":"not-\')',
	},
];
