/** The secrets that sign an endpoint's deliveries. */
import {
	secretOwner,
	type WebhookEndpoint,
	type WebhookEndpointKey,
} from "../../../shared/core/webhooks/webhook-endpoint.ts";
import { seal } from "../../../shared/crypto/seal.ts";
import { newWebhookSecret, openSecrets } from "../../../shared/webhooks/secrets.ts";
import { logError } from "../../log.ts";
import type { Services } from "../services.ts";

/** Enough to distinguish two secrets, and far too little to guess one. */
const HINT_LENGTH = 4;

/** `secret` is shown once; only `stored` is kept. */
export async function newEndpointSecret({ config, runtime }: Services, endpoint: WebhookEndpointKey) {
	const secret = newWebhookSecret(runtime);
	const sealedSecret = await seal(runtime, config.signingKeys[0] ?? "", secretOwner(endpoint), secret);
	return { secret, stored: { sealedSecret, secretHint: secret.slice(-HINT_LENGTH) } };
}

export async function openEndpointSecrets({ config, runtime }: Services, endpoint: WebhookEndpoint): Promise<string[]> {
	const { tenantId, endpointId, sealedSecrets } = endpoint;
	const { secrets, errors } = await openSecrets(runtime, config.signingKeys, secretOwner(endpoint), sealedSecrets);
	for (const error of errors) logError("secret.open_failed", { tenantId, endpointId }, error);
	return secrets;
}
