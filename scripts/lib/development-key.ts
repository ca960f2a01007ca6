/** The key that `npm start` prints: made once per state directory, and again only when it has stopped working. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Answer, callApi, callForSuccess, messageOf } from "./call-api.ts";
import { PlainError } from "./terminal.ts";

/** Callers who waited for the service come all at once when it is back, and a connection may break under them. */
const TRIES = 5;
const AGAIN_MS = 300;

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
	const answer = await resolveWithRetry(`${url}/v1/jobs?limit=1`, key);
	if (answer.status === 200) return true;
	if (answer.status === 401 || answer.status === 403) return false;
	throw new PlainError(`The development key could not be checked (${answer.status}): ${messageOf(answer.body)}`);
}

/** Reading changes nothing, so it is asked again where nobody answers. */
async function resolveWithRetry(url: string, token: string): Promise<Answer> {
	for (let tried = 1; ; tried++) {
		try {
			return await callApi(url, { token });
		} catch (error) {
			if (tried === TRIES) throw error;
		}
		await sleep(AGAIN_MS);
	}
}

/** A revoked key is replaced under its old tenant, whose jobs stay in sight; an erased tenant is replaced as well. */
async function makeKey(url: string, adminToken: string, oldTenant: string | null): Promise<Stored> {
	const admin = { method: "POST", token: adminToken, body: { name: "development" } };
	if (oldTenant !== null) {
		const answer = await callApi(`${url}/v1/admin/tenants/${oldTenant}/keys`, admin);
		if (answer.status === 201) return { tenant: oldTenant, key: (answer.body as { key: string }).key };
	}
	const { id } = await callForSuccess<{ id: string }>(`${url}/v1/admin/tenants`, admin);
	const { key } = await callForSuccess<{ key: string }>(`${url}/v1/admin/tenants/${id}/keys`, admin);
	return { tenant: id, key };
}
