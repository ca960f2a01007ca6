/**
 * While SIGNING_KEY_PREVIOUS is set: what it sealed is re-sealed under SIGNING_KEY, a page a sweep, so that it can be
 * removed one day. The secrets stay the same, and signing and verifying with them goes on.
 */
import { secretOwner } from "../../shared/core/webhooks/webhook-endpoint.ts";
import { keyId, seal, unseal } from "../../shared/crypto/seal.ts";
import { findSecretsSealedWith, replaceSeals, type StoredSecret } from "../../shared/db/tenants/sealed-secrets.ts";
import { logError } from "../log.ts";
import type { Sweeper } from "./sweeper.ts";

/** Each costs two derivations of a key. */
const PAGE = 100;

export async function resealSecrets(sweeper: Sweeper): Promise<{ secretsResealed: number }> {
	const { db, runtime, signingKeys } = sweeper;
	const [, previous] = signingKeys;
	if (previous === undefined) return { secretsResealed: 0 };
	const found = await findSecretsSealedWith(db, await keyId(runtime, previous), PAGE);
	const resealed = await Promise.all(found.map((secret) => reseal(sweeper, secret)));
	return { secretsResealed: await replaceSeals(db, resealed.flat()) };
}

/** None, where it does not open: that is said, and keeps no other from being sealed. */
async function reseal({ runtime, signingKeys }: Sweeper, secret: StoredSecret) {
	const { tenantId, endpointId } = secret;
	const owner = endpointId === null ? tenantId : secretOwner({ tenantId, endpointId });
	try {
		const plain = await unseal(runtime, signingKeys, owner, secret.sealed);
		return [{ ...secret, resealed: await seal(runtime, signingKeys[0] ?? "", owner, plain) }];
	} catch (error) {
		logError("secret.reseal_failed", { tenantId, endpointId }, error);
		return [];
	}
}
