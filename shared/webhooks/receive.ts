/**
 * For receivers: verifies a webhook of this service and gives its event. It needs two packages and nothing else of this
 * repository, so it may be copied.
 */
import { Webhook, WebhookVerificationError } from "standardwebhooks";
import { z } from "zod";

export const ReceivedEvent = z.object({
	/** The same on every attempt and for every receiver: what was handled under it need not be handled again. */
	id: z.string(),
	object: z.literal("event"),
	/** New types may come: let those be that you do not know. */
	type: z.string(),
	/** When it happened: Unix seconds, and RFC 3339. Webhooks come in no order; this has one. */
	created_at: z.number(),
	timestamp: z.string(),
	/** The job as it was when this was sent, or its id and status alone. */
	data: z.looseObject({ id: z.string(), object: z.string(), status: z.string() }),
});
export type ReceivedEvent = z.infer<typeof ReceivedEvent>;

/**
 * Null: it is not ours, was changed, or is more than five minutes off this machine's clock. Answer 400 then, and 2xx for
 * what was taken: anything else brings it again.
 * @param secrets those in force: any of them will do, so that a rotation interrupts nothing
 * @param rawBody as it came, before any parsing
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
