/** Rings for what was just committed. A lost ring costs a minute: by then the row is due for the sweeper. */
import type { MessageQueue } from "../shared/queues/queue.ts";
import { logError } from "./log.ts";

export async function enqueueOrLog<Message extends object>(
	bell: MessageQueue<Message>,
	messages: readonly Message[],
): Promise<void> {
	try {
		await bell.enqueue(messages);
	} catch (error) {
		logError("queue.send_failed", { messages: messages.length }, error);
	}
}
