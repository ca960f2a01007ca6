/** Webhook secrets, as Standard Webhooks has them: `whsec_` and the base64 of random bytes. */
import type { Runtime } from "../core/runtime.ts";

/** Within the 24 to 64 bytes that the specification asks for. */
const SECRET_BYTES = 32;

export function newWebhookSecret(runtime: Runtime): string {
	return `whsec_${btoa(String.fromCharCode(...runtime.randomBytes(SECRET_BYTES)))}`;
}
