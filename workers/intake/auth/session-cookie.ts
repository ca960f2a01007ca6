/**
 * Sessions of pages of this service: a cookie that stands for an API key, which scripts cannot read. It is sealed, so no row is
 * needed, and it gives what the key gives: a session ends with its key.
 *
 * A browser also sends the cookie with requests of other pages of the same site, such as those of another port. So it counts
 * only where the browser says that a page of this very origin made the request.
 */
import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { CookieOptions } from "hono/utils/cookie";
import { z } from "zod";
import { AppError } from "../../../shared/core/errors.ts";
import { seal, unseal } from "../../../shared/crypto/seal.ts";
import { originOf } from "../http/headers.ts";
import type { IntakeEnv } from "../services.ts";
import type { KnownKey } from "./key-cache.ts";

const NAME = "holdfast";
const SESSION_SECONDS = 12 * 3_600;
/** No id of a tenant, so that no sealed secret of a webhook is ever taken for a session. */
const OWNER = "session";

const Sealed = z.strictObject({ keyId: z.string(), keyHash: z.string(), endsAt: z.number() });

export type Session = z.infer<typeof Sealed>;

/** Sets the cookie. Returns when the session ends: no later than its key. */
export async function startSession(c: Context<IntakeEnv>, { keyId, keyHash, expiresAt }: KnownKey): Promise<number> {
	const { runtime, config } = c.env.services;
	const endsAt = Math.min(runtime.now() + SESSION_SECONDS * 1_000, expiresAt ?? Number.POSITIVE_INFINITY);
	const session: Session = { keyId, keyHash, endsAt };
	const sealed = await seal(runtime, config.signingKeys[0] ?? "", OWNER, JSON.stringify(session));
	setCookie(c, nameFor(c), sealed, { ...attributesFor(c), maxAge: SESSION_SECONDS });
	return endsAt;
}

export function endSession(c: Context<IntakeEnv>): void {
	deleteCookie(c, nameFor(c), attributesFor(c));
}

/** Null: the request has no session that counts. A request with an API key never has one. */
export async function readSession(c: Context<IntakeEnv>): Promise<Session | null> {
	const { runtime, config } = c.env.services;
	const cookie = cookieOf(c);
	if (cookie === undefined || c.req.header("authorization") !== undefined) return null;
	if (c.req.header("sec-fetch-site") !== "same-origin") return null;
	// A leaked key seals sessions of any API key whose hash is known.
	const { signingKeys, acceptsPreviousLinks } = config;
	const accepted = acceptsPreviousLinks ? signingKeys : signingKeys.slice(0, 1);
	// Rejected if it was altered, or sealed with a key that is gone.
	const text = await unseal(runtime, accepted, OWNER, cookie).catch(() => null);
	if (text === null) return null;
	const session = Sealed.safeParse(JSON.parse(text));
	return session.success && session.data.endsAt > runtime.now() ? session.data : null;
}

export function hasCookie(c: Context<IntakeEnv>): boolean {
	return cookieOf(c) !== undefined;
}

/**
 * Another page must not sign its visitor in with a key of its own, or out. Programs, which say nothing of pages, may. Browsers too old
 * for `Sec-Fetch-Site` send `Origin` with these requests.
 */
export function refuseOtherPages(c: Context<IntakeEnv>): void {
	const site = c.req.header("sec-fetch-site");
	const { origin } = new URL(c.req.url);
	if (site === undefined ? (c.req.header("origin") ?? origin) === origin : site === "same-origin") return;
	throw new AppError("forbidden", "This request came from a page of another origin. Use a page of this service.");
}

/** All ports of a host share cookies. Several services on loopback differ by port. */
function nameFor(c: Context<IntakeEnv>): string {
	const { port } = new URL(c.req.url);
	return isEncrypted(c) || port === "" ? NAME : `${NAME}-${port}`;
}

function cookieOf(c: Context<IntakeEnv>): string | undefined {
	return getCookie(c, nameFor(c), isEncrypted(c) ? "host" : undefined);
}

/** On loopback some browsers refuse `Secure`, and the prefix with it. */
function attributesFor(c: Context<IntakeEnv>): CookieOptions {
	const attributes = { path: "/", httpOnly: true, sameSite: "Strict" } as const;
	return isEncrypted(c) ? { ...attributes, prefix: "host", secure: true } : attributes;
}

/** Between the browser and the service, which may be behind a proxy. */
function isEncrypted(c: Context<IntakeEnv>): boolean {
	return originOf(c).startsWith("https:") || new URL(c.req.url).protocol === "https:";
}
