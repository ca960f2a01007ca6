/** The secret that signs what is sent to an endpoint. */
import {
	secretOwner,
	type WebhookEndpoint,
	type WebhookEndpointKey,
} from "../../../shared/core/webhooks/webhook-endpoint.ts";
import { seal } from "../../../shared/crypto/seal.ts";
import { newWebhookSecret, openSecrets } from "../../../shared/webhooks/secrets.ts";
import { logError } from "../../log.ts";
import type { Services } from "../services.ts";

/** Enough of 256 bits to distinguish two secrets. */
const HINT_LENGTH = 4;

/** As it is shown, this once; and what is stored of it. */
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
