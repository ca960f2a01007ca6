/** A batch of messages, read as doorbells: several for one thing are one ring. */
import type { z } from "zod";

/** What the queue is told about a message. */
export type Disposition = { kind: "ack" } | { kind: "retry"; delaySeconds: number };

export const ACK: Disposition = { kind: "ack" };

/** After a bug or a lost binding: long enough not to spin, short enough that nobody waits for the sweeper. */
export const CRASH_DELAY_SECONDS = 30;

export const AFTER_CRASH: Disposition = { kind: "retry", delaySeconds: CRASH_DELAY_SECONDS };

export interface GroupedMessages<Key> {
	keys: Key[];
	/** The messages that rang for `key`: all of them get its disposition. */
	messagesFor(key: Key): Message[];
	/** What cannot be read is nobody's. */
	unreadable: Message[];
}

export function groupMessages<Key>(
	messages: readonly Message[],
	schema: z.ZodType<Key>,
	idOf: (key: Key) => string,
): GroupedMessages<Key> {
	const rung = new Map<string, { key: Key; messages: Message[] }>();
	const unreadable: Message[] = [];
	for (const message of messages) {
		const parsed = schema.safeParse(message.body);
		if (!parsed.success) {
			unreadable.push(message);
			continue;
		}
		const bell = rung.get(idOf(parsed.data)) ?? { key: parsed.data, messages: [] };
		bell.messages.push(message);
		rung.set(idOf(parsed.data), bell);
	}
	return {
		keys: [...rung.values()].map((bell) => bell.key),
		messagesFor: (key) => rung.get(idOf(key))?.messages ?? [],
		unreadable,
	};
}
