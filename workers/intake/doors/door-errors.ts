/** The errors that every OpenAI-compatible route describes. */
import { errorResponse } from "../http/describe-route.ts";

/** Of a job that ended badly: what the provider said, or what became of the job. None of them is worth a retry. */
export const endedErrors = {
	404: errorResponse("No such job or model (`model_not_found`), or the provider said so."),
	409: errorResponse("`job_cancelled`. `job_erased`. `not_final`: the job is still open."),
	413: errorResponse("The provider refused the request as too large."),
	422: errorResponse("The provider refused the request."),
	502: errorResponse(
		"`provider_refused`: the provider refused the operator's key or account. `provider_failed`: it failed on every attempt.",
	),
	504: errorResponse("`deadline_exceeded`: the job had no answer by its deadline."),
};

/** Of requests that submit a job and wait for it. */
export const doorErrors = {
	...endedErrors,
	413: errorResponse("The body is too large (the message names the limit), or the provider refused it as too large."),
	422: errorResponse(
		"`idempotency_key_reused`: this Idempotency-Key was already used with a different request. Otherwise the provider refused the request.",
	),
	429: errorResponse(
		"A limit was reached: `Retry-After` says when to try again. `rate_limit_exceeded`: the provider limited the rate to the end.",
	),
};
