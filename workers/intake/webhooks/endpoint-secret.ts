/** The secret that signs what is sent to an endpoint. */
import {
	secretOwner,
	type WebhookEndpoint,
	type WebhookEndpointKey,
} from "../../../shared/core/webhooks/webhook-endpoint.ts";
import { seal, unseal } from "../../../shared/crypto/seal.ts";
import { newWebhookSecret } from "../../../shared/webhooks/secrets.ts";
import { logError } from "../../log.ts";
import type { Services } from "../services.ts";

/** Enough to tell two secrets apart by, of 256 bits. */
const HINT_LENGTH = 4;

/** As it is shown, this once; and what is stored of it. */
export async function newEndpointSecret({ config, runtime }: Services, endpoint: WebhookEndpointKey) {
	const secret = newWebhookSecret(runtime);
	const sealedSecret = await seal(runtime, config.signingKeys[0] ?? "", secretOwner(endpoint), secret);
	return { secret, stored: { sealedSecret, secretHint: secret.slice(-HINT_LENGTH) } };
}

/** Those in force that open: one sealed under a key that is gone must not silence the other. */
export async function openEndpointSecrets({ config, runtime }: Services, endpoint: WebhookEndpoint): Promise<string[]> {
	const owner = secretOwner(endpoint);
	const opened = await Promise.allSettled(
		endpoint.sealedSecrets.map((sealed) => unseal(runtime, config.signingKeys, owner, sealed)),
	);
	return opened.flatMap((one) => {
		if (one.status === "fulfilled") return [one.value];
		logError("secret.open_failed", { tenantId: endpoint.tenantId, endpointId: endpoint.endpointId }, one.reason);
		return [];
	});
}
