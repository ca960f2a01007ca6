/** For receivers: verifies a webhook and parses its event. Needs two packages and nothing else from here, so it may be copied. */
import { Webhook } from "standardwebhooks";
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
	/** The job as it was when this was sent, or only its id and status. An event of a new type may have none of these. */
	data: z.looseObject({ id: z.string().optional(), object: z.string().optional(), status: z.string().optional() }),
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
	const isAuthentic = secrets.some((secret) => hasSigned(secret, rawBody, headers));
	return isAuthentic ? ReceivedEvent.parse(JSON.parse(rawBody)) : null;
}

/** False also for a malformed secret, so that it hides no good one. */
function hasSigned(secret: string, rawBody: string, headers: Record<string, string>): boolean {
	try {
		new Webhook(secret).verify(rawBody, headers);
		return true;
	} catch {
		return false;
	}
}
