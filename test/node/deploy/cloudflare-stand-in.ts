/**
 * What of Cloudflare's REST API a deployment calls, on loopback: one account with D1 (on SQLite), R2, queues and Workers.
 * Paths, envelopes and error codes are Cloudflare's. `/worker/<name>` stands for the Worker's workers.dev address.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { z } from "zod";
import { AccountState, Address, ApiError, Metadata } from "./account-state.ts";

export const ACCOUNT_ID = "0123456789abcdef0123456789abcdef";
export const API_TOKEN = "the-stand-ins-api-token";
export const LOGIN_TOKEN = "the-token-of-a-login";

type Call = { params: string[]; query: URLSearchParams; json: () => unknown; metadata: () => Promise<Metadata> };
type Route = [method: string, path: RegExp, respond: (call: Call, state: AccountState) => unknown];

const Named = z.object({ name: z.string(), primary_location_hint: z.string().optional() });
const Query = z.object({ sql: z.string(), params: z.array(z.union([z.string(), z.number(), z.null()])).optional() });
const Consumer = z.looseObject({ script_name: z.string() });

const ROUTES: Route[] = [
	["GET", /^\/d1\/database\/([^/]+)$/, ({ params: [name = ""] }, state) => state.database(name)],
	["POST", /^\/d1\/database$/, ({ json }, state) => state.createDatabase(Named.parse(json()))],
	[
		"POST",
		/^\/d1\/database\/([^/]+)\/query$/,
		({ params: [id = ""], json }, state) => state.query(id, Query.parse(json())),
	],
	["GET", /^\/r2\/buckets\/([^/]+)$/, ({ params: [name = ""] }, state) => state.bucket(name)],
	["GET", /^\/r2\/buckets$/, (_, state) => state.listBuckets()],
	["POST", /^\/r2\/buckets$/, ({ json }, state) => state.createBucket(Named.parse(json()).name)],
	["GET", /^\/queues$/, ({ query }, state) => state.listQueues(query.getAll("name"))],
	[
		"POST",
		/^\/queues$/,
		({ json }, state) => state.createQueue(z.object({ queue_name: z.string() }).parse(json()).queue_name),
	],
	["GET", /^\/queues\/([^/]+)\/metrics$/, (_, state) => ({ backlog_count: state.backlog, backlog_bytes: 0 })],
	["GET", /^\/queues\/([^/]+)\/consumers$/, ({ params: [id = ""] }, state) => state.queue(id).consumers],
	[
		"POST",
		/^\/queues\/([^/]+)\/consumers$/,
		({ params: [id = ""], json }, state) => state.addConsumer(id, Consumer.parse(json())),
	],
	[
		"PUT",
		/^\/queues\/([^/]+)\/consumers\/([^/]+)$/,
		({ params: [id = ""], json }, state) => state.setConsumer(id, Consumer.parse(json())),
	],
	["GET", /^\/workers\/subdomain$/, (_, state) => state.subdomain()],
	["GET", /^\/workers\/services\/([^/]+)$/, ({ params: [name = ""] }, state) => state.service(name)],
	["GET", /^\/workers\/scripts\/([^/]+)\/secrets$/, ({ params: [name = ""] }, state) => state.secretsOf(name)],
	["GET", /^\/workers\/scripts\/([^/]+)\/settings$/, ({ params: [name = ""] }, state) => state.settings(name)],
	[
		"PUT",
		/^\/workers\/scripts\/([^/]+)$/,
		async ({ params: [name = ""], metadata }, state) => state.upload(name, await metadata()),
	],
	[
		"POST",
		/^\/workers\/scripts\/([^/]+)\/versions$/,
		async ({ params: [name = ""], metadata }, state) => state.upload(name, await metadata()),
	],
	[
		"POST",
		/^\/workers\/scripts\/[^/]+\/assets-upload-session$/,
		({ json }, state) =>
			state.beginUpload(z.object({ manifest: z.record(z.string(), z.unknown()) }).parse(json()).manifest),
	],
	["GET", /^\/workers\/scripts\/([^/]+)\/deployments$/, ({ params: [name = ""] }, state) => state.deployments(name)],
	["POST", /^\/workers\/scripts\/([^/]+)\/deployments$/, ({ params: [name = ""] }, state) => state.deployments(name)],
	["PATCH", /^\/workers\/scripts\/([^/]+)\/script-settings$/, ({ params: [name = ""] }, state) => state.settings(name)],
	["GET", /^\/workers\/workers\/([^/]+)$/, ({ params: [name = ""] }, state) => state.address(name)],
	[
		"PUT",
		/^\/workers\/scripts\/([^/]+)\/schedules$/,
		({ params: [name = ""], json }, state) => state.schedule(name, json()),
	],
	[
		"POST",
		/^\/workers\/scripts\/([^/]+)\/subdomain$/,
		({ params: [name = ""], json }, state) => state.setAddress(name, Address.parse(json())),
	],
];

export type StandIn = {
	state: AccountState;
	apiUrl: string;
	port: number;
	/** Calls that no route serves: Cloudflare may, but the stand-in must say so. */
	unknown: string[];
	stop(): Promise<void>;
};

export async function startStandIn(): Promise<StandIn> {
	const state = new AccountState();
	const unknown: string[] = [];
	const server = createServer((request, response) => {
		void serve(state, unknown, request, response);
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const { port } = server.address() as AddressInfo;
	const stop = () => {
		server.closeAllConnections();
		return new Promise<void>((resolve) => server.close(() => resolve()));
	};
	return { state, apiUrl: `http://127.0.0.1:${port}/client/v4`, port, unknown, stop };
}

async function serve(
	state: AccountState,
	unknown: string[],
	request: IncomingMessage,
	response: ServerResponse,
): Promise<void> {
	const { pathname, searchParams } = new URL(request.url ?? "/", "http://stand.in");
	const body = await buffer(request);
	const call = {
		query: searchParams,
		json: () => JSON.parse(body.toString()),
		metadata: () => metadataOf(request, body),
	};
	const send = (status: number, json: unknown) =>
		response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(json));
	try {
		if (pathname.startsWith("/worker/")) {
			send(state.isReady(pathname) ? 200 : 404, {});
			return;
		}
		const result = await resultOf(state, request, pathname, call);
		// The other side was interrupted: it gets no response any more.
		if (state.isCutOff) {
			request.socket.destroy();
			return;
		}
		send(200, {
			success: true,
			errors: [],
			messages: [],
			result,
			result_info: { page: 1, per_page: 100, total_pages: 1 },
		});
	} catch (error) {
		if (!(error instanceof ApiError)) unknown.push(`${request.method} ${pathname}: ${error}`);
		const { status, code, message } = error instanceof ApiError ? error : new ApiError(404, 7003, String(error));
		send(status, { success: false, errors: [{ code, message }], messages: [], result: null });
	}
}

async function resultOf(state: AccountState, request: IncomingMessage, pathname: string, call: Omit<Call, "params">) {
	if (state.isCutOff) return null;
	const token = request.headers.authorization?.replace("Bearer ", "") ?? "";
	if (![API_TOKEN, LOGIN_TOKEN].includes(token)) throw new ApiError(403, 9109, "Invalid access token");
	const path = pathname.replace("/client/v4", "");
	if (path === "/accounts") return state.accounts;
	if (path === "/memberships") return state.accounts.map((account) => ({ id: account.id, account }));
	const inAccount = path.replace(`/accounts/${ACCOUNT_ID}`, "");
	for (const [method, pattern, respond] of ROUTES) {
		const match = method === request.method ? pattern.exec(inAccount) : null;
		if (match !== null) return await respond({ ...call, params: match.slice(1).map(decodeURIComponent) }, state);
	}
	throw new Error(`no route for ${request.method} ${path}`);
}

async function metadataOf(request: IncomingMessage, body: Buffer): Promise<Metadata> {
	const type = request.headers["content-type"] ?? "";
	const form = await new Response(new Uint8Array(body), { headers: { "content-type": type } }).formData();
	const metadata = form.get("metadata");
	return Metadata.parse(JSON.parse(typeof metadata === "string" ? metadata : ((await metadata?.text()) ?? "")));
}
