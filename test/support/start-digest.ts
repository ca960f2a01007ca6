/** `Runtime.startDigest` where there is no `crypto.DigestStream`, done at once. */
import { createHash } from "node:crypto";
import type { Digest } from "../../shared/core/runtime.ts";

export function startDigest(): Digest {
	const hash = createHash("sha256");
	return {
		add: async (bytes) => void hash.update(bytes),
		end: async () => new Uint8Array(hash.digest()).buffer,
	};
}
