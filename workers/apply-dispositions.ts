/** Carries out what is decided about the messages of a queue batch: the only place that acks and retries messages, one by one. */
import type { z } from "zod";
import type { Disposition } from "../shared/queues/dispositions.ts";
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

interface GroupedMessages<Key> {
	keys: Key[];
	/** All messages that name `key`; each of them gets its disposition. */
	messagesFor(key: Key): Message[];
	/** Messages that the schema refuses. */
	unreadable: Message[];
}

/** Groups messages by the row that they name: several for one row are handled once. */
export function groupMessages<Key>(
	messages: readonly Message[],
	schema: z.ZodType<Key>,
	idOf: (key: Key) => string,
): GroupedMessages<Key> {
	const groups = new Map<string, { key: Key; messages: Message[] }>();
	const unreadable: Message[] = [];
	for (const message of messages) {
		const parsed = schema.safeParse(message.body);
		if (!parsed.success) {
			unreadable.push(message);
			continue;
		}
		const group = groups.get(idOf(parsed.data)) ?? { key: parsed.data, messages: [] };
		group.messages.push(message);
		groups.set(idOf(parsed.data), group);
	}
	return {
		keys: [...groups.values()].map(({ key }) => key),
		messagesFor: (key) => groups.get(idOf(key))?.messages ?? [],
		unreadable,
	};
}
