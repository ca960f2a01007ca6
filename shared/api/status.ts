/** The state of the service, for its operator. */
import { z } from "@hono/zod-openapi";
import { time } from "./time.ts";

export const StatusBody = z
	.object({
		object: z.literal("status"),
		open_jobs: z.number().int().describe("Queued and running, counted up to 1,000."),
		pending_deliveries: z.number().int().describe("Counted up to 1,000."),
		oldest_open_job_at: time
			.nullable()
			.describe("With more than 1,000 open jobs, those that wait for a retry may be left out."),
		parked: z
			.array(z.object({ key: z.string(), jobs: z.number().int() }))
			.describe("Up to 100 keys, with the jobs of each counted up to 1,000."),
		secrets: z.object({
			under_previous_signing_key: z
				.number()
				.int()
				.describe(
					"Encrypted with SIGNING_KEY_PREVIOUS, which may be removed once this is 0. Counted up to 1,000 of each kind.",
				),
			undecryptable: z.number().int().describe("Encrypted with a key that is not configured."),
		}),
		last_sweep: z.object({ at: time.nullable(), counts: z.record(z.string(), z.number()) }),
	})
	.openapi("Status");
