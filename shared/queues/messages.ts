/** Groups the messages of a queue batch by the row they name: several for one row are handled once. */
import type { z } from "zod";
import { queueDelaySeconds } from "../core/jobs/wakeups.ts";

/** What becomes of a message. */
export type Disposition = { kind: "ack" } | { kind: "retry"; delaySeconds: number };

export const ACK: Disposition = { kind: "ack" };

/** After a bug or a lost binding: long enough not to spin, short enough that the sweeper is not needed. */
export const CRASH_DELAY_SECONDS = 30;

export const AFTER_CRASH: Disposition = { kind: "retry", delaySeconds: CRASH_DELAY_SECONDS };

/** After the lease has expired, the retried message takes the job over, and finds its result in R2 if there is one. */
export function retryAfterLease(leaseMs: number): Disposition {
	return { kind: "retry", delaySeconds: Math.ceil(leaseMs / 1000) };
}

/** Retries the message when its row is due. For a long wait it is acked, and the sweeper enqueues another. */
export function retryWhenDue(waitMs: number): Disposition {
	const delaySeconds = queueDelaySeconds(waitMs);
	return delaySeconds === null ? ACK : { kind: "retry", delaySeconds };
}

export interface GroupedMessages<Key> {
	keys: Key[];
	/** All messages that name `key`; each of them gets its disposition. */
	messagesFor(key: Key): Message[];
	/** Messages that the schema refuses. */
	unreadable: Message[];
}

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
