/**
 * Doorbells: messages that carry ids and no state. Losing, repeating, delaying or reordering one changes nothing but
 * latency; the sweeper redispatches again.
 */
import { z } from "zod";
import { GroupCommit } from "../core/group-commit.ts";
import { type Timers, withTimeout } from "../core/timeout.ts";

export const JobMessage = z.object({ tenantId: z.string(), jobId: z.string() });
export type JobMessage = z.infer<typeof JobMessage>;

export const DeliveryMessage = z.object({ tenantId: z.string(), deliveryId: z.string() });
export type DeliveryMessage = z.infer<typeof DeliveryMessage>;

/** Cloudflare Queues take at most 100 messages a call. */
const MESSAGES_PER_CALL_MAX = 100;
/** A ring that takes longer is as good as lost, and costs no more than that. */
const RESPONSE_MS_MAX = 5_000;

export class MessageQueue<Message extends object> {
	readonly #queue: Queue;
	readonly #timers: Timers;
	/** Leaves of what it is given the ids, and nothing else. */
	readonly #schema: z.ZodType<Message>;
	/** What is rung for while a call is under way shares the next. */
	readonly #calls: GroupCommit<Message, undefined>;

	constructor(queue: Queue, timers: Timers, schema: z.ZodType<Message>) {
		this.#queue = queue;
		this.#timers = timers;
		this.#schema = schema;
		this.#calls = new GroupCommit({
			timers,
			write: (messages) => this.#send(messages),
			membersMax: MESSAGES_PER_CALL_MAX,
			mayBeOneMembers: () => false,
		});
	}

	/** In time: the queue hands it out after `delaySeconds`. */
	async enqueueLater(message: Message, delaySeconds: number): Promise<void> {
		await this.#answered(this.#queue.send(this.#schema.parse(message), { delaySeconds }));
	}

	async enqueue(messages: readonly Message[]): Promise<void> {
		await this.#calls.commitAll(messages);
	}

	async #send(messages: Message[]): Promise<undefined[]> {
		await this.#answered(this.#queue.sendBatch(messages.map((message) => ({ body: this.#schema.parse(message) }))));
		return messages.map(() => undefined);
	}

	/** How many messages wait, or are in somebody's hands. */
	async backlog(): Promise<number> {
		return (await this.#answered(this.#queue.metrics())).backlogCount;
	}

	#answered<T>(asked: Promise<T>): Promise<T> {
		return withTimeout(this.#timers, RESPONSE_MS_MAX, asked);
	}
}

export type JobQueue = MessageQueue<JobMessage>;
export type DeliveryQueue = MessageQueue<DeliveryMessage>;
