import { createRoute } from "@hono/zod-openapi";
import { CreateOperatorSession, OperatorSessionBody, viewOperatorSession } from "../../../shared/api/key.ts";
import { log } from "../../log.ts";
import { requireAdmin, tokenHashOf } from "../auth/authenticate.ts";
import { endSession, OPERATOR_SESSION, readSession, startSession } from "../auth/session-cookie.ts";
import { newApp } from "../http/app.ts";
import {
	adminErrors,
	BY_OPERATOR,
	bodyErrors,
	jsonBody,
	jsonResponse,
	noQuery,
	openErrors,
} from "../http/describe-route.ts";
import { requireSmallBody } from "../http/strict-body.ts";
import { countFirst, OTHER_PAGE, ofOwnPages } from "./session.ts";

const shared = { tags: ["Admin"], path: "/v1/admin/session" };

const get = createRoute({
	...shared,
	operationId: "getOperatorSession",
	method: "get",
	summary: "Get when the operator's session ends",
	security: BY_OPERATOR,
	middleware: [requireAdmin] as const,
	request: { query: noQuery },
	responses: { 200: jsonResponse("The session.", OperatorSessionBody), ...adminErrors },
});

const create = createRoute({
	...shared,
	operationId: "createOperatorSession",
	method: "post",
	summary: "Sign the operator in",
	description:
		"For pages of this service: sets a cookie that stands for ADMIN_TOKEN under `/v1/admin`, for one hour. It counts as the cookie of `POST /v1/session` does, and ends when neither ADMIN_TOKEN nor ADMIN_TOKEN_PREVIOUS is the token that opened it.",
	security: [],
	middleware: [countFirst, ofOwnPages, requireSmallBody] as const,
	request: { query: noQuery, body: jsonBody(CreateOperatorSession) },
	responses: {
		201: jsonResponse("Signed in.", OperatorSessionBody),
		...adminErrors,
		...bodyErrors,
		403: OTHER_PAGE,
	},
});

const remove = createRoute({
	...shared,
	operationId: "deleteOperatorSession",
	method: "delete",
	summary: "Sign the operator out",
	description: "Deletes the cookie, whether its session has ended or not. To end all sessions, replace ADMIN_TOKEN.",
	security: [],
	middleware: [ofOwnPages] as const,
	request: { query: noQuery },
	responses: { 204: { description: "Signed out." }, ...openErrors, 403: OTHER_PAGE },
});

export const adminSessionRoutes = newApp()
	.openapi(get, async (c) => {
		const session = await readSession(c, OPERATOR_SESSION);
		return c.json(viewOperatorSession(session?.endsAt ?? null), 200);
	})
	.openapi(create, async (c) => {
		const tokenHash = await tokenHashOf(c, c.req.valid("json").token);
		const endsAt = await startSession(c, OPERATOR_SESSION, { tokenHash }, null);
		// The audit log is a tenant's.
		log("operator.signed_in", { requestId: c.env.requestId });
		return c.json(viewOperatorSession(endsAt), 201);
	})
	.openapi(remove, (c) => {
		endSession(c, OPERATOR_SESSION);
		return c.body(null, 204);
	});
