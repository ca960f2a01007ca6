/**
 * Takes:  HTTP requests of callers and of the operator.
 * Writes: jobs (queued; or cancelled, or erased), idempotency keys, RESULTS/inputs/…, tenants, API keys, webhook endpoints,
 *         deliveries (pending again, as their owner requests).
 * Sends:  JOB_QUEUE, after the job is stored; DELIVERY_QUEUE, when a cancelled job has a delivery, or one is redelivered; a
 *         signed sample to an endpoint that its owner tests.
 *
 * The 202 depends on one D1 transaction and nothing else: a resolver that does not answer costs a webhook's caller time alone.
 */
import type { ParsedConfig } from "../../shared/core/config.ts";
import { AppError } from "../../shared/core/errors.ts";
import { newId } from "../../shared/core/ids.ts";
import type { Runtime } from "../../shared/core/runtime.ts";
import { HostCache } from "../../shared/webhooks/host-cache.ts";
import { bind } from "../bindings.ts";
import { api } from "./api.ts";
import { KeyCache } from "./auth/key-cache.ts";
import { bindRateLimiters, RequestCounters } from "./auth/rate-limiters.ts";
import { RESPONSE_HEADERS } from "./http/app.ts";
import type { Services } from "./services.ts";

/** They live as long as the isolate. */
const keys = new KeyCache();
const counters = new RequestCounters();
const hosts = new HostCache();

export async function intake(
	request: Request,
	env: Env,
	context: ExecutionContext,
	parsed: ParsedConfig,
	runtime: Runtime,
): Promise<Response> {
	const requestId = newId("req", runtime);
	if (!parsed.ok) return misconfigured(parsed.problems, requestId);
	const services: Services = {
		...bind(env, runtime),
		...bindRateLimiters(env, runtime),
		config: parsed.config,
		runtime,
		keys,
		counters,
		hosts,
		background: (work) => context.waitUntil(work),
	};
	return await api.fetch(request, { services, requestId });
}

/** Named in plain words, on every route: better than half a service. */
function misconfigured(problems: string[], requestId: string): Response {
	const error = new AppError("misconfigured", `The service is not configured: ${problems.join("; ")}.`);
	return Response.json(error.toBody(requestId), {
		status: error.status,
		headers: { ...RESPONSE_HEADERS, "x-request-id": requestId, "x-should-retry": "false" },
	});
}
