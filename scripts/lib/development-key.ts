/** The key that `npm start` prints: created once per state directory, and replaced only when it stops working. It may do anything. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SCOPES } from "../../shared/core/tenants/api-key.ts";
import { type ApiResponse, callApi, callForSuccess, messageOf } from "./call-api.ts";
import { PlainError } from "./terminal.ts";

/** Waiting callers all reconnect when the service is back, and a connection may break under that load. */
const TRIES = 5;
const RETRY_DELAY_MS = 300;

type Stored = { tenant: string; key: string };

export async function developmentKey(url: string, adminToken: string, stateDir: string): Promise<string> {
	const path = join(stateDir, "development-key.json");
	const stored = existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Stored) : null;
	if (stored !== null && (await works(url, stored.key))) return stored.key;

	const made = await makeKey(url, adminToken, stored?.tenant ?? null);
	writeFileSync(path, JSON.stringify(made), { mode: 0o600 });
	return made.key;
}

async function works(url: string, key: string): Promise<boolean> {
	const response = await getWithRetry(`${url}/v1/session`, key);
	if (response.status === 200) {
		const { scopes } = (response.body as { key: { scopes: string[] } }).key;
		return SCOPES.every((scope) => scopes.includes(scope));
	}
	if (response.status === 401 || response.status === 403) return false;
	throw new PlainError(`Checking the development key failed (${response.status}): ${messageOf(response.body)}`);
}

/** Retries when the connection fails: a read changes nothing. */
async function getWithRetry(url: string, token: string): Promise<ApiResponse> {
	for (let tried = 1; ; tried++) {
		try {
			return await callApi(url, { token });
		} catch (error) {
			if (tried === TRIES) throw error;
		}
		await sleep(RETRY_DELAY_MS);
	}
}

/** A revoked key is replaced within its tenant, so that its jobs stay visible. A deleted tenant is replaced as well. */
async function makeKey(url: string, adminToken: string, oldTenant: string | null): Promise<Stored> {
	const admin = { method: "POST", token: adminToken, body: { name: "development" } };
	const keys = { ...admin, body: { ...admin.body, scopes: SCOPES } };
	if (oldTenant !== null) {
		const response = await callApi(`${url}/v1/admin/tenants/${oldTenant}/keys`, keys);
		if (response.status === 201) return { tenant: oldTenant, key: (response.body as { key: string }).key };
	}
	const { id } = await callForSuccess<{ id: string }>(`${url}/v1/admin/tenants`, admin);
	const { key } = await callForSuccess<{ key: string }>(`${url}/v1/admin/tenants/${id}/keys`, keys);
	return { tenant: id, key };
}
