/** SHA-256. */
import type { Runtime } from "../core/runtime.ts";
import { toHex, utf8 } from "./bytes.ts";

type Subtle = Pick<Runtime, "subtle">;

export async function sha256Hex(runtime: Subtle, ...parts: (string | Uint8Array<ArrayBuffer>)[]): Promise<string> {
	const bytes = parts.map((part) => (typeof part === "string" ? utf8(part) : part));
	const [only, ...more] = bytes;
	const whole = only !== undefined && more.length === 0 ? only : joined(bytes);
	return toHex(new Uint8Array(await runtime.subtle.digest("SHA-256", whole)));
}

function joined(bytes: Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
	const whole = new Uint8Array(bytes.reduce((sum, part) => sum + part.byteLength, 0));
	let at = 0;
	for (const part of bytes) {
		whole.set(part, at);
		at += part.byteLength;
	}
	return whole;
}

export async function sha256Base64(runtime: Subtle, text: string): Promise<string> {
	return btoa(String.fromCharCode(...new Uint8Array(await runtime.subtle.digest("SHA-256", utf8(text)))));
}
