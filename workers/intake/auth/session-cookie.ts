/**
 * Sessions of pages of this service: a cookie that stands for an API key, or for the operator's token, which scripts cannot read.
 * It is sealed, so no row is needed, and it gives what the key gives: a session ends with its key.
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

interface Kind<Content> {
	cookie: string;
	seconds: number;
	/** No id of a tenant, so that no sealed secret of a webhook is ever taken for a session, nor one kind for the other. */
	owner: string;
	content: z.ZodType<Content>;
}

/** Of a tenant's key. */
export const TENANT_SESSION: Kind<{ keyId: string; keyHash: string }> = {
	cookie: "holdfast",
	seconds: 12 * 3_600,
	owner: "session",
	content: z.strictObject({ keyId: z.string(), keyHash: z.string() }),
};

/** Of ADMIN_TOKEN, of which it has the SHA-256. */
export const OPERATOR_SESSION: Kind<{ tokenHash: string }> = {
	cookie: "holdfast-operator",
	seconds: 3_600,
	owner: "operator session",
	content: z.strictObject({ tokenHash: z.string() }),
};

/**
 * Sets the cookie. Returns when the session ends.
 * @param expiresAt the end of what it stands for; null: none
 */
export async function startSession<Content>(
	c: Context<IntakeEnv>,
	{ cookie, seconds, owner }: Kind<Content>,
	content: Content,
	expiresAt: number | null,
): Promise<number> {
	const { runtime, config } = c.env.services;
	const endsAt = Math.min(runtime.now() + seconds * 1_000, expiresAt ?? Number.POSITIVE_INFINITY);
	const sealed = await seal(runtime, config.signingKeys[0] ?? "", owner, JSON.stringify({ ...content, endsAt }));
	setCookie(c, nameFor(c, cookie), sealed, { ...attributesFor(c), maxAge: seconds });
	return endsAt;
}

export function endSession(c: Context<IntakeEnv>, { cookie }: Kind<unknown>): void {
	deleteCookie(c, nameFor(c, cookie), attributesFor(c));
}

/** Null: the request has no session of this kind that counts. A request with an API key never has one. */
export async function readSession<Content>(
	c: Context<IntakeEnv>,
	kind: Kind<Content>,
): Promise<(Content & { endsAt: number }) | null> {
	const { runtime, config } = c.env.services;
	const cookie = cookieOf(c, kind);
	if (cookie === undefined || c.req.header("authorization") !== undefined) return null;
	if (c.req.header("sec-fetch-site") !== "same-origin") return null;
	// A leaked key seals sessions of any API key whose hash is known.
	const { signingKeys, acceptsPreviousLinks } = config;
	const accepted = acceptsPreviousLinks ? signingKeys : signingKeys.slice(0, 1);
	// Rejected if it was altered, or sealed with a key that is gone.
	const text = await unseal(runtime, accepted, kind.owner, cookie).catch(() => null);
	if (text === null) return null;
	const sealed = Sealed.safeParse(JSON.parse(text));
	if (!sealed.success || sealed.data.endsAt <= runtime.now()) return null;
	const { endsAt, ...rest } = sealed.data;
	const content = kind.content.safeParse(rest);
	return content.success ? { ...content.data, endsAt } : null;
}

const Sealed = z.looseObject({ endsAt: z.number() });

/** Whether it has nothing but the cookie to say who sent it. */
export function reliesOnCookie(c: Context<IntakeEnv>, kind: Kind<unknown>): boolean {
	return c.req.header("authorization") === undefined && cookieOf(c, kind) !== undefined;
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
function nameFor(c: Context<IntakeEnv>, cookie: string): string {
	const { port } = new URL(c.req.url);
	return isEncrypted(c) || port === "" ? cookie : `${cookie}-${port}`;
}

function cookieOf(c: Context<IntakeEnv>, { cookie }: Kind<unknown>): string | undefined {
	return getCookie(c, nameFor(c, cookie), isEncrypted(c) ? "host" : undefined);
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
