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
import { OPERATOR_SESSION, readSession, reliesOnCookie, TENANT_SESSION } from "./session-cookie.ts";

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

/** Requires the operator's token, or a session that it opened. */
export const requireAdmin = createMiddleware<IntakeEnv>(async function authenticateAdmin(c, next) {
	const { runtime } = c.env.services;
	const session = await readSession(c, OPERATOR_SESSION);
	const token = bearerOf(c.req.header("authorization"));
	const hash = session?.tokenHash ?? (token === null ? null : await sha256Hex(runtime, token));
	if (hash === null || !(await isAdminHash(c, hash))) {
		const missing = "Missing or invalid admin token. Send it as `Authorization: Bearer <ADMIN_TOKEN>`.";
		throw await rejectUnauthenticated(c, reliesOnCookie(c, OPERATOR_SESSION) ? ENDED : missing);
	}
	await next();
});

/**
 * What stands for ADMIN_TOKEN in a session of the operator. Throws if `token` is another. The request is counted as
 * unauthenticated already.
 */
export async function tokenHashOf(c: Context<IntakeEnv>, token: string): Promise<string> {
	const hash = await sha256Hex(c.env.services.runtime, token);
	if (await isAdminHash(c, hash)) return hash;
	throw new AppError("unauthorized", "Invalid admin token. Enter the service's ADMIN_TOKEN.", "token");
}

/** Digests are compared, so that the time taken reveals neither length nor content. */
async function isAdminHash(c: Context<IntakeEnv>, hash: string): Promise<boolean> {
	const { config, runtime } = c.env.services;
	const known = await Promise.all(config.adminTokens.map((token) => sha256Hex(runtime, token)));
	return known.filter((one) => isSameText(one, hash)).length > 0;
}

const ENDED = "This session has ended, or the request did not come from a page of this service. Sign in again.";

/** By the key of a request, or by the session of a page of this service. */
export async function callerOf(c: Context<IntakeEnv>, scopes: readonly Scope[]): Promise<Caller> {
	const session = await readSession(c, TENANT_SESSION);
	const token = bearerOf(c.req.header("authorization"));
	if (session === null && token === null) {
		const missing = "Missing API key. Send it as `Authorization: Bearer hf_…`.";
		throw await rejectUnauthenticated(c, reliesOnCookie(c, TENANT_SESSION) ? ENDED : missing);
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

async function keyOfSession(
	c: Context<IntakeEnv>,
	{ keyId, keyHash }: { keyId: string; keyHash: string },
): Promise<KnownKey> {
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

/** In constant time for texts of equal length. */
function isSameText(one: string, other: string): boolean {
	let difference = one.length ^ other.length;
	for (let at = 0; at < one.length; at++) difference |= one.charCodeAt(at) ^ other.charCodeAt(at);
	return difference === 0;
}
