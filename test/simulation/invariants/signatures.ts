/**
 * K1: every webhook is signed with each secret of its receiver that was in force while its sender lived, and with none
 * that was not, least of all another's. K2: a rotation keeps the old secret exactly where that was asked for.
 */
import { createHmac } from "node:crypto";
import type { Changed } from "../ledger.ts";
import type { Simulation } from "../simulate.ts";
import type { Post } from "../world/receivers.ts";
import type { Row } from "../world/sql-engine.ts";
import { numberOf, textOf } from "./rows.ts";

export function watchSignatures(simulation: Simulation): undefined {
	const { ledger, world, service } = simulation;
	service.receivers.onSent((post) => {
		const problem = problemWith(simulation, post);
		if (problem !== null) world.violate("K1", `${post.by.name} posted ${post.webhookId} to ${post.url}: ${problem}`);
	});
	ledger.on("webhook_endpoints", (changed) => {
		const problem = problemWithRotation(simulation, changed);
		if (problem !== null) world.violate("K2", `${changed.by?.name} ${problem} ${changed.id}`);
	});
}

function problemWith(simulation: Simulation, post: Post): string | null {
	const inForce = secretsAt(simulation, post);
	const signed = new Set(post.signature.split(" "));
	const known = new Map([...new Set(inForce.flat())].map((secret) => [secret, signatureOf(post, secret)]));
	if ([...signed].some((signature) => ![...known.values()].includes(signature))) return "who signed it?";
	const always = [...known.keys()].filter((secret) => inForce.every((secrets) => secrets.includes(secret)));
	return always.every((secret) => signed.has(known.get(secret) ?? "")) ? null : "a secret in force did not sign";
}

/** The secrets in force of its receiver, at each moment since its sender was born. */
function secretsAt({ endpoints, tenants, world }: Simulation, { by, url }: Post): string[][] {
	const endpoint = endpoints.at(url);
	if (endpoint === null) return tenants.filter(({ tenantId }) => url.endsWith(tenantId)).map(({ secret }) => [secret]);
	return endpoints.since(endpoint.tenantId, endpoint.id, by.startedAt).flatMap((row) => {
		if (row === null) return [];
		const hasPrevious = numberOf(row, "previous_secret_until") > world.databaseNow;
		return [hasPrevious ? [opened(row, "secret"), opened(row, "previous_secret")] : [opened(row, "secret")]];
	});
}

/** In this world a sealed secret is its bytes, in hexadecimal digits. */
function opened(row: Row, column: string): string {
	return Buffer.from(textOf(row, column).split(".").at(-1) ?? "", "hex").toString();
}

/** As Standard Webhooks has it. */
function signatureOf({ webhookId, timestamp, body }: Post, secret: string): string {
	const key = Buffer.from(secret.slice("whsec_".length), "base64");
	return `v1,${createHmac("sha256", key).update(`${webhookId}.${timestamp}.${body}`).digest("base64")}`;
}

function problemWithRotation({ http, world }: Simulation, { before, after, by }: Changed): string | null {
	if (before === null || after === null) return null;
	if (before.secret === after.secret)
		return before.previous_secret === after.previous_secret ? null : "forgot the previous secret of";
	const asked = by === null ? undefined : http.asked.get(by);
	if (asked === undefined || !asked.path.endsWith("/rotate_secret")) return "rotated unasked the secret of";
	const body = JSON.parse(asked.body ?? "{}") as { keep_old_secret_active_for_24_hours?: boolean };
	if (body.keep_old_secret_active_for_24_hours !== true)
		return after.previous_secret === null ? null : "keeps the old secret of";
	const keptMs = numberOf(after, "previous_secret_until") - world.databaseNow;
	return after.previous_secret === before.secret && keptMs === 86_400_000 ? null : "did not keep the old secret of";
}
