/**
 * Doorbells: messages that carry ids and no state. Losing, repeating, delaying or reordering one changes nothing but
 * latency; the sweeper rings again.
 */
import { z } from "zod";
import { type Timers, within } from "../core/within.ts";

export const JobMessage = z.object({ tenantId: z.string(), jobId: z.string() });
export type JobMessage = z.infer<typeof JobMessage>;

export const DeliveryMessage = z.object({ tenantId: z.string(), deliveryId: z.string() });
export type DeliveryMessage = z.infer<typeof DeliveryMessage>;

/** Cloudflare Queues take at most 100 messages a call. */
const MESSAGES_PER_CALL_MAX = 100;
/** A ring that takes longer is as good as lost, and costs no more than that. */
const ANSWER_MS_MAX = 5_000;

export class Doorbell<Message extends object> {
	readonly #queue: Queue;
	readonly #timers: Timers;
	/** Leaves of what it is given the ids, and nothing else. */
	readonly #schema: z.ZodType<Message>;

	constructor(queue: Queue, timers: Timers, schema: z.ZodType<Message>) {
		this.#queue = queue;
		this.#timers = timers;
		this.#schema = schema;
	}

	/** In time: the queue hands it out after `delaySeconds`. */
	async ringLater(message: Message, delaySeconds: number): Promise<void> {
		await this.#answered(this.#queue.send(this.#schema.parse(message), { delaySeconds }));
	}

	async ring(messages: readonly Message[]): Promise<void> {
		for (let from = 0; from < messages.length; from += MESSAGES_PER_CALL_MAX) {
			const page = messages.slice(from, from + MESSAGES_PER_CALL_MAX);
			await this.#answered(this.#queue.sendBatch(page.map((message) => ({ body: this.#schema.parse(message) }))));
		}
	}

	/** How many messages wait, or are in somebody's hands. */
	async backlog(): Promise<number> {
		return (await this.#answered(this.#queue.metrics())).backlogCount;
	}

	#answered<T>(asked: Promise<T>): Promise<T> {
		return within(this.#timers, ANSWER_MS_MAX, asked);
	}
}

export type JobBell = Doorbell<JobMessage>;
export type DeliveryBell = Doorbell<DeliveryMessage>;
