import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { newId } from "../../../../../shared/core/ids.ts";
import { keyIdOf, makeApiKey } from "../../../../../shared/core/tenants/api-key.ts";
import { fakeRuntime } from "../../../../support/fake-runtime.ts";

const runtime = fakeRuntime();
const keyId = newId("key", runtime);
const key = makeApiKey(keyId, runtime.randomBytes);

describe("makeApiKey", () => {
	it("is hf_, the id of its row, a secret and a checksum", () => {
		expect(key).toMatch(new RegExp(`^hf_${keyId.slice(4)}_[0-9A-Za-z]{38}$`));
		expect(makeApiKey(keyId, runtime.randomBytes)).not.toBe(key);
	});

	it("draws every letter equally often: bytes that would favour some are thrown away", () => {
		const bytes = Array.from({ length: 256 }, (_, byte) => byte);
		const drawn = new Map<string, number>();
		let next = 0;
		for (let made = 0; made < 31; made++) {
			const body = makeApiKey(keyId, () => Uint8Array.of(bytes[next++ % 256] ?? 0)).slice(-38, -6);
			for (const letter of body) drawn.set(letter, (drawn.get(letter) ?? 0) + 1);
		}
		expect(drawn.size).toBe(62);
		expect(new Set(drawn.values())).toEqual(new Set([16]));
	});

	it("ends with the CRC-32 of the rest in base 62, as scanners of leaked keys expect", () => {
		const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
		const value = [...key.slice(-6)].reduce((sum, digit) => sum * 62 + digits.indexOf(digit), 0);
		expect(value).toBe(crc32(key.slice(0, -6)));
	});
});

describe("keyIdOf", () => {
	it("tells which row may know a key", () => {
		expect(keyIdOf(key)).toBe(keyId);
	});

	it("refuses a key with any one letter mistyped", () => {
		for (let at = 0; at < key.length; at++) {
			const other = key[at] === "a" ? "b" : "a";
			expect(keyIdOf(key.slice(0, at) + other + key.slice(at + 1))).toBeNull();
		}
	});

	it.each(["", "hf_", key.slice(1), `${key}0`, ` ${key}`, `${key}\n`, key.toUpperCase(), key.replace("hf_", "sk_")])(
		"refuses %j",
		(text) => {
			expect(keyIdOf(text)).toBeNull();
		},
	);

	it("refuses whatever else a caller may send", () => {
		fc.assert(fc.property(fc.string(), (text) => void expect(keyIdOf(text)).toBeNull()));
	});
});
