/** Standard Webhooks headers. */
import { Webhook } from "standardwebhooks";

/**
 * @param secrets in force, the newest first: each signs, so that a receiver verifies with either during a rotation
 * @param attemptAt Unix milliseconds of this attempt; receivers refuse what is more than five minutes off their clock
 */
export function signedHeaders(secrets: string[], webhookId: string, attemptAt: number, body: string) {
	const at = new Date(attemptAt);
	return {
		"webhook-id": webhookId,
		"webhook-timestamp": String(Math.floor(attemptAt / 1000)),
		"webhook-signature": secrets.map((secret) => new Webhook(secret).sign(webhookId, at, body)).join(" "),
	};
}
