/** Rings for what was just committed. A lost ring costs a minute: by then the row is due for the sweeper. */
import type { Doorbell } from "../shared/queues/queue.ts";
import { logTrouble } from "./log.ts";

export async function ringOrLog<Message extends object>(
	bell: Doorbell<Message>,
	messages: readonly Message[],
): Promise<void> {
	try {
		await bell.ring(messages);
	} catch (error) {
		logTrouble("bell.not_rung", { messages: messages.length }, error);
	}
}
