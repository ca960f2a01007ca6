/** What a tenant is told whose submission is over a limit of its own. */

import { AppError } from "../../../shared/core/errors.ts";
import type { Submission } from "../../../shared/db/jobs/submit-job.ts";
import { errorResponse } from "../http/describe-route.ts";

/** Some job of several ends in that time. */
const OPEN_JOBS_RETRY_SECONDS = 10;
const DAY_SECONDS = 86_400;

const header = (description: string, schema: { type: "integer" | "string" }) => ({
	description,
	schema,
	required: true,
});

/** What any route that submits may answer. */
export const overLimitErrors = {
	429: {
		...errorResponse(
			"`open_jobs_limit`: as many jobs are open as may be. `budget_spent`: the day's tokens are, until midnight, UTC. Nothing was stored, and the Idempotency-Key is free.",
		),
		headers: {
			"Retry-After": header("Seconds until it may be tried again.", { type: "integer" }),
			"RateLimit-Policy": header("The limit: its name, `q` how many, `w` in how many seconds.", { type: "string" }),
		},
	},
};

/** Open jobs end by themselves; a spent budget is back at midnight, UTC. */
export function overLimit({ limit, quota, msUntilTomorrow }: Extract<Submission, { outcome: "refused" }>): AppError {
	if (limit === "open_jobs") {
		return new AppError("open_jobs_limit", `The limit of ${quota} open jobs is reached. Wait until one ends.`, null, {
			policy: { name: limit, quota, windowSeconds: null },
			retryAfterSeconds: OPEN_JOBS_RETRY_SECONDS,
		});
	}
	return new AppError("budget_spent", `Today's ${quota} tokens are spent; the next come at midnight, UTC.`, null, {
		policy: { name: limit, quota, windowSeconds: DAY_SECONDS },
		retryAfterSeconds: Math.ceil(msUntilTomorrow / 1000),
	});
}
