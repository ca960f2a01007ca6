import type { Job } from "../../../client/index.ts";

export const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const at = new Date(NOW).toISOString();

/** A job as it is submitted, with the defaults of the service. */
const SUBMITTED: Job = {
	...{ id: "job_1", object: "job", status: "queued", status_reason: null, model: "m", models: ["m"] },
	...{ attempt: 0, max_attempts: 5, priority: 5, created_at: at, run_at: at, next_attempt_at: at },
	...{
		started_at: null,
		attempt_started_at: null,
		finished_at: null,
		usage: null,
		cost_usd: null,
		error: null,
		result_url: null,
	},
	...{ deadline_at: new Date(NOW + 86_400_000).toISOString(), metadata: {}, webhook: null, door: null, retry_of: null },
	...{ cancellation: null, timeout_seconds: 600, retain_seconds: 2_592_000, gateway: null },
	...{ input_bytes: 10, result_bytes: null, version: 1 },
};

export const aJob = (rest: Partial<Job>): Job => ({ ...SUBMITTED, ...rest });

export const timeAt = (seconds: number) => new Date(NOW + seconds * 1_000).toISOString();
