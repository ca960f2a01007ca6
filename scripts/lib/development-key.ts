/** The key that `npm start` prints: made once per state directory, and again only when it has stopped working. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { callApi, callForSuccess, messageOf } from "./call-api.ts";
import { PlainError } from "./terminal.ts";

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
	const answer = await callApi(`${url}/v1/jobs?limit=1`, { token: key });
	if (answer.status === 200) return true;
	if (answer.status === 401 || answer.status === 403) return false;
	throw new PlainError(`The development key could not be checked (${answer.status}): ${messageOf(answer.body)}`);
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
