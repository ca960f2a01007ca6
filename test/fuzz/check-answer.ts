/** What holds for every response to any request, by the description of the API. */
import { type ApiDescription, type Operation, operationAt } from "../support/api-description.ts";
import type { Answer } from "./fuzzed-service.ts";
import type { Who } from "./plan-requests.ts";

const REQUIRED_HEADERS: Record<string, RegExp> = {
	"x-request-id": /^req_[0-9a-z]{26}$/,
	"cache-control": /^no-store(, no-transform)?$/,
	"x-content-type-options": /^nosniff$/,
	"referrer-policy": /^no-referrer$/,
	"strict-transport-security": /^max-age=\d+/,
	"content-security-policy": /^default-src 'none'; .*frame-ancestors 'none'$/,
};

export interface Asked {
	who: Who;
	request: Request;
}

/** What is wrong with a body, by its documented schema; null: nothing. */
export type SchemaCheck = (operation: Operation, status: number, body: unknown) => string | null;

/** What is wrong with it: nothing, as a rule. */
export function complaintsAbout(
	api: ApiDescription,
	checkSchema: SchemaCheck,
	{ who, request }: Asked,
	answer: Answer,
): string[] {
	const { pathname, searchParams } = new URL(request.url);
	const operation = operationAt(api, request.method, pathname);
	const isLinked = (operation?.takesLinks ?? false) && searchParams.has("signature");
	// An error of the job, not of the request: the job was stored, and its model failed.
	const isOfJob = answer.headers.get("holdfast-job") !== null;
	return [
		...(answer.status >= 500 && !isOfJob ? [`${answer.status}: ${answer.text}`] : []),
		...(answer.status >= 400 && answer.rowsChanged > 0 && !isOfJob
			? [`refused, and yet changed ${answer.rowsChanged} rows`]
			: []),
		...headerComplaints(request, answer),
		...(operation === null
			? unroutedComplaints(request, answer)
			: undocumented(operation, checkSchema, request, answer)),
		...(operation === null || isLinked ? [] : accessComplaints(operation, who, answer.status)),
	];
}

function undocumented(operation: Operation, checkSchema: SchemaCheck, { method }: Request, answer: Answer): string[] {
	const { status, headers, text } = answer;
	const types = operation.responses[String(status)];
	if (types === undefined) return [`${operation.name} does not document ${status}`];
	// Its caller had hung up.
	if (text === "" && headers.get("holdfast-job") !== null) return [];
	if (method === "HEAD") return text === "" ? [] : ["HEAD has a body"];
	const type = (headers.get("content-type") ?? "").split(";")[0] ?? "";
	if (Object.keys(types).length === 0) return status === 206 || text === "" ? [] : ["an undocumented body"];
	if (types[type] === undefined) return [`${operation.name} does not document ${type} for ${status}`];
	const wrong = type === "application/json" ? checkSchema(operation, status, JSON.parse(text)) : null;
	return wrong === null ? [] : [`${operation.name} ${status}: ${wrong}`];
}

function headerComplaints({ method }: Request, { status, headers, text }: Answer): string[] {
	const wrong = Object.entries(REQUIRED_HEADERS).filter(([name, value]) => !value.test(headers.get(name) ?? ""));
	const cors = [...headers.keys()].filter((name) => name.startsWith("access-control-") || name === "x-injected");
	const complaints = [...wrong.map(([name]) => `the header ${name} is ${headers.get(name)}`), ...cors];
	if (status === 401 && headers.get("www-authenticate") !== "Bearer") complaints.push("401 without www-authenticate");
	if (status === 405 && headers.get("allow") === null) complaints.push("405 without allow");
	if ([409, 422].includes(status) && headers.get("x-should-retry") !== "false")
		complaints.push("may be retried in vain");
	if ((status === 429 || status === 503) && headers.get("retry-after") === null) complaints.push("no retry-after");
	if (status < 400 || method === "HEAD") return complaints;
	return isEnvelope(text, headers.get("x-request-id")) ? complaints : [...complaints, `not the envelope: ${text}`];
}

function isEnvelope(text: string, requestId: string | null): boolean {
	const body: unknown = JSON.parse(text);
	if (typeof body !== "object" || body === null || Object.keys(body).join() !== "error") return false;
	const error: unknown = Reflect.get(body, "error");
	if (typeof error !== "object" || error === null) return false;
	const { message, type, code, param, request_id }: Record<string, unknown> = { ...error };
	return (
		Object.keys(error).join() === "message,type,code,param,request_id" &&
		[message, type, code].every((member) => typeof member === "string" && member !== "") &&
		(param === null || typeof param === "string") &&
		request_id === requestId
	);
}

/** What no route takes is 404, or 405 where another method would do. */
function unroutedComplaints({ method }: Request, { status }: Answer): string[] {
	const expected = method === "OPTIONS" ? [204, 404] : [404, 405];
	return expected.includes(status) ? [] : [`${status} on a route that is not described`];
}

function accessComplaints({ name, access, scopes, takesLinks }: Operation, who: Who, status: number): string[] {
	// Its key is in its body, and none there is real.
	if (/^POST \/v1\/(admin\/)?session$/.test(name)) return status < 400 ? [`${name} signed ${who} in: ${status}`] : [];
	if (/^DELETE \/v1\/(admin\/)?session$/.test(name)) return [];
	const denied = denialOf(access, scopes, who);
	// A link's parameters are looked at before its signature, so a request may be invalid before it is unauthenticated.
	const expected = takesLinks && denied !== null ? [denied, 400] : [denied];
	// A key gives no scope that it lacks itself. Deliveries in a job need another scope than the job.
	if (denied === null && ["POST /v1/keys", "GET /v1/jobs/{id}"].includes(name) && status === 403) return [];
	if (denied === null) return [401, 403].includes(status) ? [`${name} denied ${who}: ${status}`] : [];
	return expected.some((one) => one === status) ? [] : [`${name} answered ${status} to ${who}, not ${denied}`];
}

function denialOf(access: Operation["access"], scopes: Operation["scopes"], who: Who): 401 | 403 | null {
	if (access === null) return null;
	if (access === "admin") return who === "admin" ? null : 401;
	if (who === "a" || who === "b") return null;
	if (!who.startsWith("a:")) return 401;
	return scopes.every((scope) => who === `a:${scope}`) ? null : 403;
}
