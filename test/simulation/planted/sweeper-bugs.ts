// biome-ignore-all lint/suspicious/noTemplateCurlyInString: patches quote the source, templates and all.
/** In the sweeper: what it forgets, and what it forgets too soon. */
import type { PlantedBug } from "./bugs.ts";

export const SWEEPER_BUGS: readonly PlantedBug[] = [
	{
		name: "the sweeper forgets running jobs",
		seenBy: 6,
		file: "shared/core/jobs/sweep.ts",
		find: 'return { kind: "enqueue", sweepAt: now + (isRecent',
		replace: 'return { kind: "look", sweepAt: now + (isRecent',
	},
	{
		name: "the sweeper forgets queued jobs",
		seenBy: 1,
		file: "shared/db/jobs/sweep-jobs.ts",
		find: "WHERE sweep_at IS NOT NULL AND sweep_at <= ${NOW} AND",
		replace: "WHERE status = 'running' AND sweep_at IS NOT NULL AND sweep_at <= ${NOW} AND",
	},
	{
		name: "the sweeper forgets deliveries",
		seenBy: 68,
		file: "workers/sweeper/index.ts",
		find: "run: enqueueDueDeliveries,",
		replace: "run: async () => ({}),",
	},
	{
		name: "the sweeper counts a redispatch that it has not sent",
		seenBy: 178,
		file: "workers/sweeper/enqueue-deliveries.ts",
		find: "await deliveryQueue.enqueue(toEnqueue);",
		replace: "if (toEnqueue.length > 99) await deliveryQueue.enqueue(toEnqueue);",
	},
	{
		name: "a queued job never expires",
		seenBy: 209,
		file: "shared/core/jobs/sweep.ts",
		find: 'if (job.deadlineAt <= now) return { kind: "expire" };',
		replace: 'if (job.deadlineAt <= now) return { kind: "leave" };',
	},
	{
		name: "the sweeper expires jobs that have a result",
		seenBy: 716,
		file: "workers/sweeper/expire-jobs.ts",
		find: "if (!job.mayHaveResult) return null;",
		replace: "if (job.fence >= 0) return null;",
	},
	{
		name: "the second deletion is left out",
		seenBy: 33,
		file: "workers/sweeper/delete-again.ts",
		find: "await eraseObjects(objects, keys);",
		replace: "objects;",
	},
	{
		name: "inputs of a deleted tenant that made no job are left",
		scenario: "large-inputs",
		file: "workers/sweeper/erase-tenants.ts",
		find: "if (!(await eraseInputs(sweeper, inputsOfTenant(tenantId, day), budget))) {",
		replace: "if (Number.isNaN(day)) {",
	},
	{
		name: "a due job without a slot is enqueued and not lined up",
		scenario: "delayed-flood",
		file: "shared/core/jobs/sweep.ts",
		find: 'if (!job.hasSlot) return { kind: "admit" };',
		replace: "",
	},
	{
		name: "admitted jobs are released by no limit",
		scenario: "delayed-flood",
		file: "shared/db/admission/release.ts",
		find: 'min(?3, ${slotsToGive("value")})',
		replace: "?3",
	},
	{
		name: "an entry of another version cannot be read",
		scenario: "other-version",
		file: "shared/core/jobs/attempts.ts",
		find: "counted: z.boolean().catch(true),",
		replace: "counted: z.boolean(),",
	},
	{
		name: "a holder's death is noticed only when its job would be redispatched",
		scenario: "dead-holders-in-a-backlog",
		file: "shared/db/jobs/lease-jobs.ts",
		find: "UPDATE jobs SET sweep_at = lease_expires_at",
		replace: "UPDATE jobs SET sweep_at = sweep_at",
	},
	{
		name: "an overdue job's result is found, and the job expires all the same",
		seenBy: 454,
		file: "workers/sweeper/expire-jobs.ts",
		find: 'else if (bytes !== null && job.status === "queued") withResult.push(job);\n\t\telse ends.push({ job, end: endOf(job, bytes) });',
		replace: "else ends.push({ job, end: endOf(job, null) });",
	},
];
