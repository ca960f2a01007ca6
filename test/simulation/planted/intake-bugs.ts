// biome-ignore-all lint/suspicious/noTemplateCurlyInString: patches quote the source, templates and all.
/** In intake: what a 202 promises, and what an idempotency key does. */
import type { PlantedBug } from "./bugs.ts";

export const INTAKE_BUGS: readonly PlantedBug[] = [
	{
		name: "a repeated submission has an id of its own",
		seenBy: 18,
		file: "shared/jobs/submit.ts",
		find: "submitJobs(db, jobs, isRepeat));",
		replace:
			"submitJobs(db, isRepeat ? jobs.map((job) => ({ ...job, jobId: `${job.jobId.slice(0, -1)}0` })) : jobs, isRepeat));",
	},
	{
		name: "a job is stored apart from its idempotency key",
		seenBy: 1,
		file: "shared/db/jobs/submit-jobs.ts",
		find: "\tconst { statements, at } = making(db, jobs, NOT_ERASED);",
		replace: `	if (jobs.some(({ idempotency }) => idempotency !== null)) {
		await db.transact("submit job", making(db, jobs.map((job) => ({ ...job, idempotency: null })), IS_NEW).statements);
	}
	const { statements, at } = making(db, jobs, NOT_ERASED);`,
	},
	{
		name: "a submission that is executed late stores an erased job",
		scenario: "late-submissions",
		file: "shared/db/jobs/submit-jobs.ts",
		find: "const { statements, at } = making(db, jobs, NOT_ERASED);",
		replace: 'const { statements, at } = making(db, jobs, "TRUE");',
	},
	{
		name: "a key does not keep a second job out",
		seenBy: 2,
		file: "shared/db/jobs/submit-jobs.ts",
		find: "admitted(KEY_IS_CLAIMED, condition, slotsLeft",
		replace: 'admitted("TRUE", condition, slotsLeft',
	},
	{
		name: "a key is forgotten with its job",
		seenBy: 292,
		file: "shared/db/jobs/idempotency-keys.ts",
		find: "export const KEY_IS_FREE = `NOT EXISTS (SELECT 1 FROM idempotency_keys AS held WHERE ${IS_HELD} AND ${KEEPS_OUT})`;",
		replace:
			"export const KEY_IS_FREE = `NOT EXISTS (SELECT 1 FROM idempotency_keys AS held WHERE ${IS_HELD} AND ${KEEPS_OUT} AND EXISTS (SELECT 1 FROM jobs AS kept WHERE kept.id = held.job_id))`;",
	},
	{
		name: "a 202 is answered though nothing is stored",
		seenBy: 38,
		file: "shared/jobs/submit.ts",
		find: "\t\treturn measure(() => submitJobs(db, jobs, isRepeat));",
		replace:
			'\t\tif (isRepeat) return jobs.map((job) => ({ outcome: "created", job: { ...job, input: null, status: "queued", statusReason: null, version: 1, model: job.models[0], attempt: 0, fence: 0, holder: null, leasedAt: null, leaseExpiresAt: null, attempts: [], usage: null, startedAt: null, finishedAt: null, error: null, cancellation: null, resultBytes: null, createdAt: 0, deadlineAt: 0, runAt: 0, parkedOn: null } })) as never;\n\t\treturn measure(() => submitJobs(db, jobs, isRepeat));',
	},
	{
		name: "a job is read without its tenant",
		seenBy: 125,
		file: "shared/db/jobs/find-job.ts",
		find: "sql: `SELECT ${JOB_SUMMARY_COLUMNS} FROM jobs WHERE tenant_id = ?1 AND id = ?2 AND ${IS_SERVED}`",
		replace: "sql: `SELECT ${JOB_SUMMARY_COLUMNS} FROM jobs WHERE ?1 IS NOT NULL AND id = ?2 AND ${IS_SERVED}`",
	},
	{
		name: "copies of an erased job's input are not looked for",
		scenario: "large-inputs",
		file: "shared/jobs/erase.ts",
		find: "if (erased.inputKey !== null) await eraseCopies(bindings, erased.inputKey);",
		replace: "",
	},
	{
		name: "each copy of an input lies apart",
		scenario: "large-inputs",
		file: "shared/jobs/submit.ts",
		find: "sha256Hex(runtime, `${idempotency.key}\\n${idempotency.fingerprint}`)",
		replace: "sha256Hex(runtime, `${idempotency.key}\\n${runtime.random()}`)",
	},
	{
		name: "a large input is put before its key is looked up",
		scenario: "large-inputs",
		file: "shared/jobs/submit.ts",
		find: "const large = built.filter(isLarge);",
		replace: "const large = built.filter(() => false);",
	},
	{
		name: "a retried job sends another prompt",
		seenBy: 9,
		file: "shared/jobs/retry.ts",
		find: "order.input ?? (await inputOf(bindings.objects, old))",
		replace: 'order.input ?? (await inputOf(bindings.objects, old)).replace(\'"content":"\', \'"content":"not-\')',
	},
];
