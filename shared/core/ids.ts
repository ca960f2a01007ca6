/**
 * Ids: a prefix that names the kind, and a lower-case ULID (48 bits of time, 80 random bits). Ids sort by creation time. The
 * time is this machine's: it orders ids and is never compared with a time in D1.
 */
import { decodeTime, encodeTime, ulid } from "ulidx";
import type { Runtime } from "./runtime.ts";

export type IdPrefix = "job" | "ten" | "key" | "we" | "evt" | "req" | "tmb" | "aud";

const RANDOM_CHARACTERS = 16;

export function newId(prefix: IdPrefix, runtime: Runtime): string {
	const bytes = runtime.randomBytes(RANDOM_CHARACTERS);
	let next = 0;
	return `${prefix}_${ulid(runtime.now(), () => (bytes[next++] ?? 0) / 256).toLowerCase()}`;
}

/** Whether `id` could have been made by `newId`. Any other id is unknown, without a lookup. */
export function isId(prefix: IdPrefix, id: string): boolean {
	return id.startsWith(`${prefix}_`) && /^[0-7][0-9a-hjkmnp-tv-z]{25}$/.test(id.slice(prefix.length + 1));
}

/** The smallest id that could have been made at `timeMs`: a bound for lists by time. */
export function smallestIdAt(prefix: IdPrefix, timeMs: number): string {
	return `${prefix}_${encodeTime(Math.max(0, timeMs), 10).toLowerCase()}${"0".repeat(RANDOM_CHARACTERS)}`;
}

/** When an id that `isId` accepts was made, by the clock of the machine that made it. */
export function timeOf(id: string): number {
	return decodeTime(id.slice(id.indexOf("_") + 1));
}

/** An object of a tenant as one string, for maps and sets. Neither part has a space. */
export const keyText = (tenantId: unknown, id: unknown) => `${tenantId} ${id}`;

/** Names one invocation of a consumer: random, so that its writes can be distinguished from another's. */
export function newHolder(runtime: Runtime): string {
	return [...runtime.randomBytes(8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
