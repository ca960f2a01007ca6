/**
 * Takes:  HTTP requests of callers and of the operator.
 * Writes: jobs (new, cancelled or erased), idempotency keys, RESULTS/inputs/…, tenants, API keys, webhook endpoints,
 *         deliveries (pending again, on request of their owner).
 * Sends:  JOB_QUEUE, after a job is stored; DELIVERY_QUEUE, for the deliveries of a cancelled job and for redeliveries; a
 *         signed sample event to an endpoint that its owner tests.
 *
 * The 202 depends on one D1 transaction, and for a large input on R2 before it. A resolver that does not respond only delays the
 * response.
 */
import type { ParsedConfig } from "../../shared/core/config.ts";
import { AppError, envelopeOf } from "../../shared/core/errors.ts";
import { newId } from "../../shared/core/ids.ts";
import type { Runtime } from "../../shared/core/runtime.ts";
import { bind } from "../bindings.ts";
import type { Isolate } from "../isolate.ts";
import { api } from "./api.ts";
import { KeyCache } from "./auth/key-cache.ts";
import { bindRateLimiters, RequestCounters } from "./auth/rate-limiters.ts";
import { RESPONSE_HEADERS } from "./http/app.ts";
import { Waits } from "./http/waits.ts";
import { SubmissionLoad } from "./jobs/submission-load.ts";
import type { Services } from "./services.ts";
import { RecentStats } from "./tenants/recent-stats.ts";

/** Shared by all requests of this isolate. */
const keys = new KeyCache();
const counters = new RequestCounters();
const submissionLoad = new SubmissionLoad();
const waits = new Waits();
const recentStats = new RecentStats();

/** Of its host only the form counts: the assets have one. */
const DASHBOARD = "https://assets.local/dashboard/index.html";

export async function intake(
	request: Request,
	env: Env,
	context: ExecutionContext,
	parsed: ParsedConfig,
	runtime: Runtime,
	{ memory, hosts, hostLimits }: Isolate,
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
		hostLimits,
		submissionLoad,
		waits,
		recentStats,
		memory,
		loadDashboard: async () => await textOf(await env.ASSETS.fetch(DASHBOARD)),
		background: (work) => context.waitUntil(work),
	};
	return await api.fetch(request, { services, requestId });
}

async function textOf(page: Response): Promise<string> {
	if (!page.ok) throw new Error(`The dashboard is missing from this deployment: ${page.status}`);
	return await page.text();
}

/** With an incomplete configuration, every route responds with 503: better than half a service. */
function misconfigured(problems: string[], requestId: string): Response {
	const error = new AppError("misconfigured", `The service is not configured: ${problems.join("; ")}.`);
	return Response.json(envelopeOf(error, requestId), {
		status: error.status,
		headers: { ...RESPONSE_HEADERS, "x-request-id": requestId, "x-should-retry": "false" },
	});
}
