import { createRoute } from "@hono/zod-openapi";
import { ModelBody, ModelList, viewModel } from "../../../shared/api/model.ts";
import { AppError } from "../../../shared/core/errors.ts";
import { addUp, hoursBefore } from "../../../shared/core/tenants/usage.ts";
import { modelStateOf } from "../../../shared/core/upstreams/breaker.ts";
import { breakerKeysOf, credentialFor } from "../../../shared/core/upstreams/credentials.ts";
import { listedModels, routeFor } from "../../../shared/core/upstreams/model-routes.ts";
import { PARKED_COUNTED_MAX, readModelStates } from "../../../shared/db/admission/model-states.ts";
import { listUsage, listUsedModels } from "../../../shared/db/tenants/list-usage.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { commonErrors, errorResponse, idParams, jsonResponse, noQuery } from "../http/describe-route.ts";
import type { Services } from "../services.ts";

const shared = { tags: ["Models"] };

const list = createRoute({
	...shared,
	operationId: "listModels",
	method: "get",
	path: "/v1/models",
	summary: "List models",
	description:
		"On one page, by name: the default model, those that the routes name, and those that jobs of this tenant used in the last 30 days, or in fewer with more than five models every hour. No provider is called.",
	middleware: [requireKey("jobs:read")] as const,
	request: { query: noQuery },
	responses: { 200: jsonResponse("All models.", ModelList), ...commonErrors },
});

const get = createRoute({
	...shared,
	operationId: "getModel",
	method: "get",
	// Names of models have slashes.
	path: "/v1/models/:id{.+}",
	summary: "Get a model",
	description: "Any model that a route serves, also one that is not listed. `/` in its name may be written as `%2F`.",
	middleware: [requireKey("jobs:read")] as const,
	request: { params: idParams, query: noQuery },
	responses: {
		200: jsonResponse("The model.", ModelBody),
		...commonErrors,
		404: errorResponse("No route serves this model."),
	},
});

export const modelRoutes = newApp()
	.openapi(list, async (c) => {
		const { db, config } = c.env.services;
		const { tenantId } = c.var.caller;
		const names = [...listedModels(config.modelRoutes, config.defaultModel), ...(await listUsedModels(db, tenantId))];
		const data = await viewModels(c.env.services, tenantId, [...new Set(names)].sort());
		const ends = { first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
		return c.json({ object: "list" as const, data, has_more: false, ...ends }, 200);
	})
	.openapi(get, async (c) => {
		const [model] = await viewModels(c.env.services, c.var.caller.tenantId, [c.req.param("id")]);
		if (model === undefined)
			throw new AppError("model_not_found", "No route serves this model. GET /v1/models lists models.");
		return c.json(model, 200);
	});

/** Those of `names` that a route serves. */
async function viewModels({ db, config, runtime }: Services, tenantId: string, names: readonly string[]) {
	const routes = config.modelRoutes;
	const served = names.flatMap((name) => {
		const credential = credentialFor(routes, name);
		if (credential === null) return [];
		const keys = breakerKeysOf({ tenantId, credential, model: name });
		return [{ name, provider: routeFor(routes, name)?.provider ?? "", keys }];
	});
	if (served.length === 0) return [];
	const keys = served.flatMap((one) => one.keys);
	const lastHours = {
		...{ tenantId, from: null, to: null, isAscending: true, rowsMax: null, hoursOfUnit: 1 as const },
		after: hoursBefore(runtime.now(), 2),
	};
	const [found, used] = await Promise.all([readModelStates(db, tenantId, keys), listUsage(db, lastHours)]);
	const recent = Map.groupBy(used.rows, ({ model }) => model);
	const isCut = found.parked.length === PARKED_COUNTED_MAX;
	return served.map(({ name, provider, keys }) => {
		const state = modelStateOf(found.breakers.filter(({ key }) => keys.includes(key)));
		const parkedJobs = found.parked.filter((model) => model === name).length;
		// Of two hours: as one.
		const rows = (recent.get(name) ?? []).map((row) => ({ ...row, hour: 0 }));
		const [sum] = addUp(rows, { hours: 1, byModel: true, costOf: () => null });
		return viewModel({ name, provider, ...state, parkedJobs, isCut, recent: sum });
	});
}
