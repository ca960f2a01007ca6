import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { finishJobs } from "../../../../shared/db/jobs/finish-jobs.ts";
import { leaseJobs } from "../../../../shared/db/jobs/lease-jobs.ts";
import { isDeliveryOf } from "../../../../shared/db/outbox.ts";
import { deliveryIdOf, eventIdOf } from "../../../support/event-ids.ts";
import { finalizationOf, LEASE_MS, WEBHOOK } from "../../../support/job-of.ts";
import { aJob, aTenant, db, reload, reloadDelivery } from "../../support/a-job.ts";
import { anEndpoint } from "../../support/an-endpoint.ts";

describe("the ids that SQL derives", () => {
	it("are those of test/support/event-ids.ts, for the job's own webhook and for an endpoint", async () => {
		const { tenantId } = await aTenant();
		const { endpointId } = await anEndpoint(tenantId);
		const job = await aJob({ tenantId, webhook: { ...WEBHOOK, events: ["job.*"] } });

		const { pending } = await leaseJobs(db, { keys: [job], holder: "h", leaseMs: LEASE_MS });
		const running = await reload(job);
		if (running === null) throw new Error("the job is gone");
		const [finished] = await finishJobs(db, [finalizationOf(running)]);

		for (const [kind, inserted] of [
			["started", pending],
			["succeeded", finished?.deliveries ?? []],
		] as const) {
			const expected = ["webhook", endpointId].map((receiver) => deliveryIdOf(job.jobId, kind, receiver));
			expect(inserted.map(({ deliveryId }) => deliveryId).sort()).toEqual(expected.sort());
			for (const delivery of inserted) {
				expect(await reloadDelivery(delivery)).toMatchObject({ eventId: eventIdOf(job.jobId, kind) });
			}
		}
	});
});

describe("isDeliveryOf", () => {
	const matches = async (jobId: string, deliveryId: string) =>
		(await env.DB.prepare(`SELECT ${isDeliveryOf("?1")} AS matches FROM (SELECT ?2 AS id) AS deliveries`)
			.bind(jobId, deliveryId)
			.first("matches")) === 1;
	const jobId = "job_01kay5e5e0000000000000000m";

	it.each([
		["started", "webhook"],
		["cancelled", "we_01kay5e5e00000000000000000"],
		["succeeded", "we_7zzzzzzzzzzzzzzzzzzzzzzzzz"],
	] as const)("matches the job's delivery of %s to %s", async (kind, receiver) => {
		expect(await matches(jobId, deliveryIdOf(jobId, kind, receiver))).toBe(true);
	});

	it.each([
		["of the job before", "job_01kay5e5e0000000000000000k"],
		["of the job after", "job_01kay5e5e0000000000000000n"],
		["of the first job of all", "job_00000000000000000000000000"],
		["of the last job of all", "job_7zzzzzzzzzzzzzzzzzzzzzzzzz"],
		["of a job whose id is longer", `${jobId}0`],
		["of a job whose id is shorter", jobId.slice(0, -1)],
	])("leaves out the delivery %s", async (_, other) => {
		for (const kind of ["started", "succeeded"] as const) {
			expect(await matches(jobId, deliveryIdOf(other, kind, "webhook"))).toBe(false);
		}
	});
});
