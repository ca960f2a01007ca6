/** Carries out what is decided about the messages of a queue batch: the only place that acks and retries messages, one by one. */
import type { z } from "zod";
import { type Disposition, groupMessages } from "../shared/queues/messages.ts";
import { logError } from "./log.ts";

/**
 * Passes the keys of a batch to `run`, and acks or retries the messages of each key as soon as `run` gives its disposition. An
 * unreadable message is acked: a retry would not make it readable.
 */
export async function applyDispositions<Key>(
	batch: MessageBatch,
	{ schema, idOf }: { schema: z.ZodType<Key>; idOf: (key: Key) => string },
	run: (keys: Key[], dispose: (key: Key, disposition: Disposition) => void) => Promise<void>,
): Promise<void> {
	const grouped = groupMessages(batch.messages, schema, idOf);
	for (const message of grouped.unreadable) {
		logError("message.rejected", { queue: batch.queue, messageId: message.id });
		message.ack();
	}
	await run(grouped.keys, (key, disposition) => {
		for (const message of grouped.messagesFor(key)) {
			if (disposition.kind === "ack") message.ack();
			else message.retry({ delaySeconds: disposition.delaySeconds });
		}
	});
}
