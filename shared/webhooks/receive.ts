/** For receivers: verifies a webhook and parses its event. Needs two packages and nothing else from here, so it may be copied. */
import { Webhook, WebhookVerificationError } from "standardwebhooks";
import { z } from "zod";

export const ReceivedEvent = z.object({
	/** The same on every attempt and for every receiver: ignore an id that you have already handled. */
	id: z.string(),
	object: z.literal("event"),
	/** Ignore unknown types: new ones may be added. */
	type: z.string(),
	/** When it happened, in Unix seconds and RFC 3339. Webhooks may arrive in any order. */
	created_at: z.number(),
	timestamp: z.string(),
	/** The job as it was when this was sent, or only its id and status. */
	data: z.looseObject({ id: z.string(), object: z.string(), status: z.string() }),
});
export type ReceivedEvent = z.infer<typeof ReceivedEvent>;

/**
 * Returns null if the signature is invalid or the timestamp is more than five minutes off this machine's clock. Reply 400
 * then, and 2xx for what you handled: any other reply causes a retry.
 * @param secrets all in force: one match suffices, so that a rotation interrupts nothing
 * @param rawBody as received, before any parsing
 */
export function receiveWebhook(
	secrets: readonly string[],
	rawBody: string,
	headers: Record<string, string>,
): ReceivedEvent | null {
	for (const secret of secrets) {
		try {
			return ReceivedEvent.parse(new Webhook(secret).verify(rawBody, headers));
		} catch (error) {
			if (!(error instanceof WebhookVerificationError)) throw error;
		}
	}
	return null;
}
