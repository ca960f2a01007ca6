/** The whole API: what every request passes, then the routes. */
import { AppError } from "../../shared/core/errors.ts";
import { logDebug } from "../log.ts";
import { dashboardRoutes } from "./docs/dashboard.ts";
import { describeScopes } from "./docs/describe-scopes.ts";
import { documentationRoutes } from "./docs/documentation.ts";
import { healthRoute } from "./docs/health.ts";
import { chatCompletionRoutes } from "./doors/chat-completions.ts";
import { createChatCompletionRoute } from "./doors/create-chat-completion.ts";
import { createResponseRoute } from "./doors/create-response.ts";
import { newApp, RESPONSE_HEADERS } from "./http/app.ts";
import { allowOrigins } from "./http/cors.ts";
import { respondToError, respondWithError } from "./http/errors.ts";
import { refusePrototype } from "./http/query-guard.ts";
import { requireHttps } from "./http/require-https.ts";
import { cancelJobRoute } from "./jobs/cancel-job.ts";
import { deleteJobRoute } from "./jobs/delete-job.ts";
import { getInputRoute } from "./jobs/get-input.ts";
import { getJobRoute } from "./jobs/get-job.ts";
import { getResultRoute } from "./jobs/get-result.ts";
import { jobHistoryRoutes } from "./jobs/job-history.ts";
import { listJobsRoute } from "./jobs/list-jobs.ts";
import { retryJobRoute } from "./jobs/retry-job.ts";
import { submitJobRoute } from "./jobs/submit-job.ts";
import { adminKeyRoutes } from "./tenants/admin-keys.ts";
import { adminSessionRoutes } from "./tenants/admin-session.ts";
import { adminStatusRoute } from "./tenants/admin-status.ts";
import { adminTenantRoutes } from "./tenants/admin-tenants.ts";
import { auditLogRoutes } from "./tenants/audit-log.ts";
import { backlogRoute } from "./tenants/backlog.ts";
import { keyRoutes } from "./tenants/keys.ts";
import { modelRoutes } from "./tenants/models.ts";
import { sessionRoutes } from "./tenants/session.ts";
import { statsRoute } from "./tenants/stats.ts";
import { usageRoute } from "./tenants/usage.ts";
import { endpointDeliveryRoutes } from "./webhooks/endpoint-deliveries.ts";
import { listDeliveriesRoutes } from "./webhooks/list-deliveries.ts";
import { redeliveryRoutes } from "./webhooks/redeliveries.ts";
import { signingSecretRoutes } from "./webhooks/signing-secrets.ts";
import { testEndpointRoutes } from "./webhooks/test-endpoint.ts";
import { webhookEndpointRoutes } from "./webhooks/webhook-endpoints.ts";

const ABOUT = {
	openapi: "3.1.0",
	info: {
		title: "Holdfast",
		version: "1",
		description: "Submit a prompt and get its result later: exactly one result, whatever fails in between.",
	},
	security: [{ key: [] }, { session: [] }],
};

const app = newApp();

app.use(async function everyResponse(c, next) {
	// Set before the response exists: afterwards, each header would copy it. Routes may overwrite a value.
	c.header("x-request-id", c.env.requestId);
	for (const [name, value] of Object.entries(RESPONSE_HEADERS)) c.header(name, value);
	const { requestId, services } = c.env;
	const startedAt = services.runtime.now();
	await next();
	// Without the query, which may hold a signature.
	const { method, path } = c.req;
	logDebug("request.responded", {
		requestId,
		method,
		path,
		status: c.res.status,
		durationMs: services.runtime.now() - startedAt,
	});
});

app.use(requireHttps);
app.use(allowOrigins);
app.use(refusePrototype);

app.route("/", submitJobRoute);
app.route("/", listJobsRoute);
app.route("/", getJobRoute);
app.route("/", getInputRoute);
app.route("/", getResultRoute);
app.route("/", jobHistoryRoutes);
app.route("/", cancelJobRoute);
app.route("/", retryJobRoute);
app.route("/", deleteJobRoute);
app.route("/", createChatCompletionRoute);
app.route("/", createResponseRoute);
app.route("/", chatCompletionRoutes);
app.route("/", webhookEndpointRoutes);
app.route("/", testEndpointRoutes);
app.route("/", listDeliveriesRoutes);
app.route("/", endpointDeliveryRoutes);
app.route("/", redeliveryRoutes);
app.route("/", signingSecretRoutes);
app.route("/", auditLogRoutes);
app.route("/", sessionRoutes);
app.route("/", keyRoutes);
app.route("/", usageRoute);
app.route("/", backlogRoute);
app.route("/", modelRoutes);
app.route("/", statsRoute);
app.route("/", adminTenantRoutes);
app.route("/", adminKeyRoutes);
app.route("/", adminStatusRoute);
app.route("/", adminSessionRoutes);
app.route("/", healthRoute);
app.route("/", documentationRoutes(describe));
app.route("/", dashboardRoutes);

describeScopes(app);

app.openAPIRegistry.registerComponent("securitySchemes", "key", {
	type: "http",
	scheme: "bearer",
	bearerFormat: "hf_…",
	description: "An API key of a tenant.",
});
app.openAPIRegistry.registerComponent("securitySchemes", "admin", {
	type: "http",
	scheme: "bearer",
	description: "ADMIN_TOKEN, the operator's token.",
});
const session = (path: string) =>
	`Set by \`POST ${path}\`, for pages of this service over https. Over http its name lacks \`__Host-\`.`;
app.openAPIRegistry.registerComponent("securitySchemes", "session", {
	type: "apiKey",
	in: "cookie",
	name: "__Host-holdfast",
	description: `Stands for the API key that signed in. ${session("/v1/session")}`,
});
app.openAPIRegistry.registerComponent("securitySchemes", "operator", {
	type: "apiKey",
	in: "cookie",
	name: "__Host-holdfast-operator",
	description: `Stands for ADMIN_TOKEN. ${session("/v1/admin/session")}`,
});

let description: object | null = null;

/** Built once per isolate: that takes longer than most requests, and anyone may request it. */
function describe(): object {
	description ??= app.getOpenAPI31Document(ABOUT);
	return description;
}

/** The methods that this path allows. If there are any, another method gets 405 instead of 404. */
function methodsOf(path: string): string[] {
	const methods = app.routes.filter((route) => route.method !== "ALL" && patternOf(route.path).test(path));
	if (methods.length === 0) return [];
	const own = methods.map((route) => route.method);
	return [...new Set([...own, ...(own.includes("GET") ? ["HEAD"] : []), "OPTIONS"])].sort();
}

function patternOf(path: string): RegExp {
	const parts = path.split("/").map((part) => {
		if (part.endsWith("{.+}") || part === "*") return ".+";
		return part.startsWith(":") ? "[^/]+" : part.replaceAll(".", "\\.");
	});
	return new RegExp(`^${parts.join("/")}$`);
}

app.notFound((c) => {
	const allowed = methodsOf(c.req.path);
	if (allowed.length === 0) return respondWithError(new AppError("not_found", "No such route."), c);
	c.header("allow", allowed.join(", "));
	if (c.req.method === "OPTIONS") return c.body(null, 204);
	return respondWithError(new AppError("method_not_allowed", `Method not allowed. Allowed: ${allowed.join(", ")}.`), c);
});

app.onError(respondToError);

export const api = app;
