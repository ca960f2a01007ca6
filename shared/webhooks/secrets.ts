/** Webhook secrets, as Standard Webhooks has them: `whsec_` and the base64 of random bytes. Stored sealed. */
import type { Runtime } from "../core/runtime.ts";
import { unseal } from "../crypto/seal.ts";

/** The specification requires 24 to 64 bytes. */
const SECRET_BYTES = 32;

export function newWebhookSecret(runtime: Runtime): string {
	return `whsec_${btoa(String.fromCharCode(...runtime.randomBytes(SECRET_BYTES)))}`;
}

/**
 * Opens the secrets that sign for one receiver. A secret sealed under a missing key must not disable the other secret of a
 * rotation, so this returns all that open, and an error for each that does not.
 * @param owner what they were sealed for: `secretOwner(endpoint)`, or the tenant's id for one-off receivers
 */
export async function openSecrets(
	runtime: Runtime,
	signingKeys: string[],
	owner: string,
	sealed: readonly string[],
): Promise<{ secrets: string[]; errors: unknown[] }> {
	const opened = await Promise.allSettled(sealed.map((secret) => unseal(runtime, signingKeys, owner, secret)));
	return {
		secrets: opened.flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])),
		errors: opened.flatMap((one) => (one.status === "rejected" ? [one.reason] : [])),
	};
}
