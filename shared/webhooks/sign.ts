/** Standard Webhooks headers. */
import { Webhook } from "standardwebhooks";

/**
 * @param secrets all in force, newest first: each signs, so that a receiver can verify with either during a rotation
 * @param attemptAt Unix milliseconds of this attempt; receivers reject timestamps more than five minutes off their clock
 */
export function signedHeaders(secrets: string[], webhookId: string, attemptAt: number, body: string) {
	const at = new Date(attemptAt);
	return {
		"webhook-id": webhookId,
		"webhook-timestamp": String(Math.floor(attemptAt / 1000)),
		"webhook-signature": secrets.map((secret) => new Webhook(secret).sign(webhookId, at, body)).join(" "),
	};
}
