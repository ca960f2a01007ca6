/** Names the receiver of a one-off webhook. A digest, because breakers outlive jobs, and the path of a URL may be a secret. */
import type { Runtime } from "../core/runtime.ts";
import { sha256Hex } from "./digest.ts";

/** Hexadecimal digits: enough that no two receivers of a tenant have the same name. */
const DIGITS = 32;

/** The same for all queries and fragments. @param url as it is stored */
export async function receiverDigest(runtime: Pick<Runtime, "subtle">, tenantId: string, url: string): Promise<string> {
	const { origin, pathname } = new URL(url);
	return (await sha256Hex(runtime, `${tenantId}\n${origin}${pathname}`)).slice(0, DIGITS);
}
