/** Identifies the caller of a request, and checks the caller's scopes. */
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { AppError } from "../../../shared/core/errors.ts";
import type { Runtime } from "../../../shared/core/runtime.ts";
import { keyIdOf, type Scope } from "../../../shared/core/tenants/api-key.ts";
import { sha256Hex } from "../../../shared/crypto/digest.ts";
import { noteKeyUse } from "../../../shared/db/tenants/api-keys.ts";
import { logWarning } from "../../log.ts";
import type { Caller, IntakeEnv, Services } from "../services.ts";
import type { KnownKey } from "./key-cache.ts";
import { checkTenantRate, countUnauthenticated, rejectUnauthenticated } from "./rate-limits.ts";
import { hasCookie, readSession, type Session } from "./session-cookie.ts";

/** Requires a tenant's key, or a session, with all `scopes`; any, if there are none. The OpenAPI description reads them from the middleware. */
export function requireKey(...scopes: Scope[]) {
	const middleware = createMiddleware<IntakeEnv>(async function authenticate(c, next) {
		c.set("caller", await callerOf(c, scopes));
		await next();
	});
	return Object.assign(middleware, { scopes });
}

export function requireScope({ scopes }: Pick<Caller, "scopes">, scope: Scope): void {
	if (!scopes.includes(scope)) throw new AppError("forbidden", `This API key lacks the scope ${scope}.`);
}

/** Requires the operator's token. */
export const requireAdmin = createMiddleware<IntakeEnv>(async function authenticateAdmin(c, next) {
	const { config, runtime } = c.env.services;
	const token = bearerOf(c.req.header("authorization"));
	if (token === null || !(await isOneOf(runtime, token, config.adminTokens))) {
		throw await rejectUnauthenticated(
			c,
			"Missing or invalid admin token. Send it as `Authorization: Bearer <ADMIN_TOKEN>`.",
		);
	}
	await next();
});

/** By the key of a request, or by the session of a page of this service. */
export async function callerOf(c: Context<IntakeEnv>, scopes: readonly Scope[]): Promise<Caller> {
	const session = await readSession(c);
	const token = bearerOf(c.req.header("authorization"));
	if (session === null && token === null) {
		const ended = "This session has ended, or the request did not come from a page of this service. Sign in again.";
		const missing = "Missing API key. Send it as `Authorization: Bearer hf_…`.";
		throw await rejectUnauthenticated(c, hasCookie(c) ? ended : missing);
	}
	const key = session === null ? await keyOf(c, token ?? "") : await keyOfSession(c, session);
	for (const scope of scopes) requireScope(key, scope);
	return { tenantId: key.tenantId, keyId: key.keyId, scopes: key.scopes, waits: key.waits };
}

/**
 * The key in force that `token` is.
 * @param isCounted the request is counted as unauthenticated already
 */
export async function keyOf(c: Context<IntakeEnv>, token: string, isCounted = false): Promise<KnownKey> {
	return await keyInForce(c, {
		// A text with a wrong checksum was never a key, so it costs no look-up in D1.
		keyId: keyIdOf(token),
		message: "Invalid API key.",
		isCounted,
		isProvenBy: (key) => isProven(c.env.services.runtime, key, token),
	});
}

async function keyOfSession(c: Context<IntakeEnv>, { keyId, keyHash }: Session): Promise<KnownKey> {
	return await keyInForce(c, {
		keyId,
		message: "The API key of this session is revoked or expired. Sign in with another.",
		isCounted: false,
		isProvenBy: async (key) => isSameText(key.keyHash, keyHash),
	});
}

interface Claim {
	keyId: string | null;
	/** Of the error if no key in force proves the claim. */
	message: string;
	isCounted: boolean;
	isProvenBy: (key: KnownKey) => Promise<boolean>;
}

async function keyInForce(c: Context<IntakeEnv>, { keyId, message, isCounted, isProvenBy }: Claim): Promise<KnownKey> {
	const { services } = c.env;
	const { db, runtime, keys } = services;
	let mustCount = !isCounted;
	const countOnce = async () => {
		if (mustCount) await countUnauthenticated(c);
		mustCount = false;
	};
	const key = keyId === null ? null : await keys.find(db, runtime, keyId, countOnce);
	if (key === null || !(await isProvenBy(key))) {
		await countOnce();
		throw new AppError("unauthorized", message);
	}
	await checkTenantRate(c, key);
	if (!key.isUseNoted) services.background(noteUse(services, key));
	return key;
}

/** A key that has matched its hash is remembered in `provenBy`, and not hashed again. */
async function isProven(runtime: Runtime, key: KnownKey, token: string): Promise<boolean> {
	if (key.provenBy !== null && isSameText(token, key.provenBy)) return true;
	if (!isSameText(await sha256Hex(runtime, token), key.keyHash)) return false;
	key.provenBy = token;
	return true;
}

/** Once per cache entry. If it fails, the next cache entry tries again. */
async function noteUse({ db }: Services, key: KnownKey): Promise<void> {
	key.isUseNoted = true;
	try {
		await noteKeyUse(db, key.keyId);
	} catch (error) {
		logWarning("key.note_failed", { keyId: key.keyId }, error);
	}
}

function bearerOf(authorization: string | undefined): string | null {
	return /^bearer +([\x21-\x7e]+)$/i.exec(authorization ?? "")?.[1] ?? null;
}

/** Compares digests, so that the time taken reveals neither length nor content. */
async function isOneOf(runtime: Runtime, text: string, others: readonly string[]): Promise<boolean> {
	const [digest = "", ...digests] = await Promise.all([text, ...others].map((each) => sha256Hex(runtime, each)));
	return digests.filter((other) => isSameText(digest, other)).length > 0;
}

/** In constant time for texts of equal length. */
function isSameText(one: string, other: string): boolean {
	let difference = one.length ^ other.length;
	for (let at = 0; at < one.length; at++) difference |= one.charCodeAt(at) ^ other.charCodeAt(at);
	return difference === 0;
}
