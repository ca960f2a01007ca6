/** A tenant of the service as its requests see it: any response is a response, and a lost connection is status 0. */
import { z } from "zod";
import { callForSuccess } from "../../scripts/lib/call-api.ts";

const PATIENCE_MS = 15_000;

export interface Reply {
	status: number;
	text: string;
}

export interface Caller {
	tenantId: string;
	key: string;
	send(method: string, path: string, body?: object | Buffer, prefer?: string): Promise<Reply>;
	/** How many responses had which status. */
	statuses: Map<number, number>;
}

const Created = z.object({ id: z.string() });
const CreatedKey = z.object({ key: z.string() });

export async function newCaller(
	service: { url: string; adminToken: string },
	name: string,
	limits: Record<string, number> = {},
): Promise<Caller> {
	const admin = { method: "POST", token: service.adminToken };
	const tenants = `${service.url}/v1/admin/tenants`;
	const { id } = Created.parse(await callForSuccess(tenants, { ...admin, body: { name, limits } }));
	const { key } = CreatedKey.parse(await callForSuccess(`${tenants}/${id}/keys`, { ...admin, body: { name } }));
	return { tenantId: id, key, ...callerOf(service.url, key) };
}

export function callerOf(url: string, key: string): Pick<Caller, "send" | "statuses"> {
	const statuses = new Map<number, number>();
	const send: Caller["send"] = async (method, path, body, prefer) => {
		const headers = new Headers({ authorization: `Bearer ${key}`, ...(prefer === undefined ? {} : { prefer }) });
		const init: RequestInit = { method, headers, signal: AbortSignal.timeout(PATIENCE_MS) };
		if (body !== undefined) {
			headers.set("content-type", "application/json");
			init.body = body instanceof Buffer ? new Uint8Array(body) : JSON.stringify(body);
		}
		const reply = await exchange(url + path, init);
		statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1);
		return reply;
	};
	return { send, statuses };
}

async function exchange(url: string, init: RequestInit): Promise<Reply> {
	try {
		const response = await fetch(url, init);
		return { status: response.status, text: await response.text() };
	} catch {
		// No connection, or no response in time: what a caller sees of a service that is down.
		return { status: 0, text: "" };
	}
}
