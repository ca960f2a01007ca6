/**
 * Queue messages carry ids and no state: a message only says which row to look at; D1 is the truth. Losing, repeating,
 * delaying or reordering one changes nothing but latency, because the sweeper enqueues again.
 */
import { z } from "zod";
import { GroupCommit } from "../core/group-commit.ts";
import type { QueueState } from "../core/jobs/sweep.ts";
import { type Timers, withTimeout } from "../core/timeout.ts";

export const JobMessage = z.object({ tenantId: z.string(), jobId: z.string() });
export type JobMessage = z.infer<typeof JobMessage>;

export const DeliveryMessage = z.object({ tenantId: z.string(), deliveryId: z.string() });
export type DeliveryMessage = z.infer<typeof DeliveryMessage>;

/** Cloudflare Queues take at most 100 messages a call. */
export const MESSAGES_PER_CALL_MAX = 100;
/** A call that takes longer counts as lost. */
const RESPONSE_MS_MAX = 5_000;

export interface QueueOptions<Message> {
	timers: Timers;
	/** Strips a message to its ids. */
	schema: z.ZodType<Message>;
	/** Reports what `tryEnqueue` and `tryEnqueueLater` could not send. */
	onSendFailed(messages: number, error: unknown): void;
}

export class MessageQueue<Message extends object> {
	readonly #queue: Queue;
	readonly #options: QueueOptions<Message>;
	/** Messages that arrive while a call is in flight share the next one. */
	readonly #sends: GroupCommit<MessageSendRequest<Message>, undefined>;
	/** Calls so far. Each invocation has its own `MessageQueue`. */
	calls = 0;

	constructor(queue: Queue, options: QueueOptions<Message>) {
		this.#queue = queue;
		this.#options = options;
		this.#sends = new GroupCommit({
			timers: options.timers,
			write: (messages) => this.#send(messages),
			membersMax: MESSAGES_PER_CALL_MAX,
			shouldSplit: () => false,
		});
	}

	/**
	 * Rejects if the queue does not accept them: for callers that must know.
	 * @param delaySeconds how long the queue holds them back
	 */
	async enqueue(messages: readonly Message[], delaySeconds = 0): Promise<void> {
		const delay = delaySeconds > 0 ? { delaySeconds } : {};
		await this.#sends.commitAll(messages.map((body) => ({ body, ...delay })));
	}

	/** Never rejects: for rows that are committed already. A lost message only costs time: the sweeper finds the row. */
	async tryEnqueue(messages: readonly Message[], delaySeconds = 0): Promise<void> {
		try {
			await this.enqueue(messages, delaySeconds);
		} catch (error) {
			this.#options.onSendFailed(messages.length, error);
		}
	}

	/** Like `tryEnqueue`, with a delay of `delaySeconds`. */
	async tryEnqueueLater(message: Message, delaySeconds: number): Promise<void> {
		try {
			await this.#withinLimit(this.#queue.send(this.#options.schema.parse(message), { delaySeconds }));
		} catch (error) {
			this.#options.onSendFailed(1, error);
		}
	}

	async #send(requests: MessageSendRequest<Message>[]): Promise<undefined[]> {
		const { schema } = this.#options;
		await this.#withinLimit(
			this.#queue.sendBatch(requests.map(({ body, ...delay }) => ({ body: schema.parse(body), ...delay }))),
		);
		return requests.map(() => undefined);
	}

	/** Of the messages that wait or are being processed. */
	async state(): Promise<QueueState> {
		const { backlogCount, oldestMessageTimestamp } = await this.#withinLimit(this.#queue.metrics());
		const sentAt = new Date(oldestMessageTimestamp ?? 0).getTime();
		return { isEmpty: backlogCount === 0, messages: backlogCount, oldestAt: sentAt > 0 ? sentAt : null };
	}

	#withinLimit<T>(call: Promise<T>): Promise<T> {
		this.calls += 1;
		return withTimeout(this.#options.timers, RESPONSE_MS_MAX, call);
	}
}

export type JobQueue = MessageQueue<JobMessage>;
export type DeliveryQueue = MessageQueue<DeliveryMessage>;
