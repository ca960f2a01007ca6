/** Finds the strings of a JSON text without parsing it as a whole. */
import { skipSpace, stringEnd } from "./json-body.ts";

const QUOTE = 0x22;
const COLON = 0x3a;
const KEY_BYTES_MAX = 64;

/** The bytes of each string that is a value, without its quotes, and the key that it stands behind; "" in a list. */
export function* stringValues(bytes: Uint8Array): Generator<{ key: string; value: Uint8Array }, void> {
	let key = "";
	for (let open = bytes.indexOf(QUOTE); open >= 0; ) {
		const end = stringEnd(bytes, open + 1);
		const value = bytes.subarray(open + 1, end - 1);
		const isKey = bytes[skipSpace(bytes, end)] === COLON;
		if (!isKey) yield { key, value };
		key = isKey
			? new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(value.subarray(0, KEY_BYTES_MAX))
			: "";
		open = bytes.indexOf(QUOTE, end);
	}
}
