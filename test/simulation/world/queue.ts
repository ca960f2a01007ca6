/**
 * A queue as the platform's is: at least once, in no order, in batches. What a message's fate is, is said per message;
 * what was said counts when the invocation ends, so a death may bring back what had been acked.
 */
import type { Invocation } from "./invocation.ts";
import type { World } from "./world.ts";

const FAULT = "Queue sendBatch failed: Queue is overloaded. Please back off.";

/** What a dead consumer held is delivered again within. */
const BACK_MS_MAX = 60_000;

interface Stored {
	id: string;
	body: unknown;
	attempts: number;
	isReady: boolean;
	/** When its delay is over. */
	readyAt: number;
}

type Said = "ack" | { retryMs: number } | null;

/** One message in the hands of one invocation. */
export interface Held {
	body: unknown;
	said: Said;
}

/** @param background takes work that outlives the batch */
export type Consume = (batch: MessageBatch, by: Invocation, background: (work: Promise<void>) => void) => Promise<void>;

interface Consumers {
	name: string;
	start: () => Invocation;
	consume: Consume;
	/** Hears what an invocation says about a message, at the moment it says so. */
	onSaid: (body: unknown, said: "ack" | "retry", by: Invocation) => void;
	/** How many of them run at a time. */
	concurrency: number;
}

/** @param by null: the world itself. `isRetry`: it is the message that `by` was given */
type AcceptListener = (body: unknown, delaySeconds: number, by: Invocation | null, isRetry: boolean) => void;

export class SimulatedQueue {
	readonly #world: World;
	readonly #consumers: Consumers;
	readonly #messages = new Map<string, Stored>();
	#nextId = 1;
	#isPolled = false;
	#running = 0;
	readonly #lostListeners: ((body: unknown) => void)[] = [];
	readonly #acceptListeners: AcceptListener[] = [];

	constructor(world: World, consumers: Consumers) {
		this.#world = world;
		this.#consumers = consumers;
	}

	/** Messages that wait, are delayed, or are held by a consumer. */
	get backlog(): number {
		return this.#messages.size;
	}

	/** Hears of each message that the queue takes, new or retried, and from whom. */
	onAccepted(listener: AcceptListener): void {
		this.#acceptListeners.push(listener);
	}

	/** Hears of each message that the queue took and lost. */
	onLost(listener: (body: unknown) => void): void {
		this.#lostListeners.push(listener);
	}

	/** Puts a message in on behalf of the world itself. */
	put(body: unknown): void {
		this.#accept(body, 0, null);
	}

	bindingFor(by: Invocation): Queue {
		const { name } = this.#consumers;
		const call = <T>(site: string, act: () => T) =>
			by.call(`${name} ${site}`, this.#world.current.queueCalls, FAULT, act);
		const binding = {
			send: (body: unknown, options: QueueSendOptions = {}) =>
				call(`send ${JSON.stringify(body)}`, () => this.#accept(body, options.delaySeconds, by)),
			sendBatch: (messages: Iterable<MessageSendRequest>, options: QueueSendBatchOptions = {}) =>
				call(`sendBatch ${JSON.stringify([...messages].map(({ body }) => body))}`, () => {
					for (const { body, delaySeconds } of messages) this.#accept(body, delaySeconds ?? options.delaySeconds, by);
				}),
			metrics: () => call("metrics", () => this.#metrics()),
		};
		return binding as unknown as Queue;
	}

	/** A delayed message counts from when it is due. */
	#metrics() {
		const oldest = Math.min(...[...this.#messages.values()].map(({ readyAt }) => readyAt));
		const oldestMessageTimestamp = Number.isFinite(oldest) ? { oldestMessageTimestamp: new Date(oldest) } : {};
		return { backlogCount: this.backlog, backlogBytes: 100 * this.backlog, ...oldestMessageTimestamp };
	}

	#accept(body: unknown, delaySeconds = 0, by: Invocation | null): void {
		const { dice, current } = this.#world;
		if (!Number.isInteger(delaySeconds) || delaySeconds < 0 || delaySeconds > 86_400) {
			throw new Error(`Queue send failed: Invalid delaySeconds ${delaySeconds}`);
		}
		for (const listener of this.#acceptListeners) listener(body, delaySeconds, by, false);
		if (dice.chance(current.messages.lost)) {
			for (const listener of this.#lostListeners) listener(body);
			return;
		}
		const copies = dice.chance(current.messages.repeated) ? 2 : 1;
		for (let copy = 0; copy < copies; copy++) {
			this.#store({ id: `m${this.#nextId++}`, body, attempts: 0, isReady: false, readyAt: 0 }, 1000 * delaySeconds);
		}
	}

	#store(message: Stored, delayMs: number): void {
		const { dice, current } = this.#world;
		const isEarly = dice.chance(current.messages.early);
		const isLate = dice.chance(current.messages.delayed);
		const late = isLate ? dice.skewed(1_000, 600_000) : dice.skewed(0, 500);
		if (isLate) this.#world.disturb(delayMs + late);
		this.#messages.set(message.id, message);
		message.isReady = false;
		message.readyAt = this.#world.now + delayMs;
		this.#world.after((isEarly ? dice.next() : 1) * delayMs + late, () => {
			message.isReady = true;
			this.#pollSoon();
		});
	}

	#pollSoon(): void {
		if (this.#isPolled) return;
		this.#isPolled = true;
		this.#world.after(this.#world.dice.skewed(0, 200), () => {
			this.#isPolled = false;
			this.#deliver();
		});
	}

	#deliver(): void {
		const { dice, current } = this.#world;
		if (this.#running >= this.#consumers.concurrency) return;
		const ready = [...this.#messages.values()].filter(({ isReady }) => isReady);
		const size = dice.between(current.batchMin, current.batchMax);
		const batch: Stored[] = [];
		while (batch.length < size && ready.length > 0) {
			batch.push(...ready.splice(dice.between(0, ready.length - 1), 1));
		}
		if (batch.length === 0) return;
		if (ready.length > 0) this.#pollSoon();
		this.#handOut(batch);
	}

	#handOut(batch: Stored[]): void {
		for (const message of batch) {
			message.isReady = false;
			message.attempts += 1;
		}
		const by = this.#consumers.start();
		const said = new Map<Stored, Said>(batch.map((message) => [message, null]));
		this.#world.note(by.name, `takes ${JSON.stringify(batch.map(({ body }) => body))}`);
		this.#running += 1;
		let isOver = false;
		const end = () => {
			if (isOver) return;
			isOver = true;
			this.#running -= 1;
			if (this.#running === this.#consumers.concurrency - 1) this.#pollSoon();
		};
		by.onDeath(() => {
			end();
			this.#cancelTimer(said);
		});
		const background: Promise<void>[] = [];
		const consumed = this.#consumers.consume(this.#asBatch(batch, said, by), by, (work) => void background.push(work));
		consumed
			.then(
				() => this.#close(said, "ack", by),
				(error: unknown) => {
					this.#world.note(by.name, `throws ${String(error)}`);
					this.#close(said, { retryMs: 0 }, by);
				},
			)
			.then(() => {
				end();
				return by.endAfter(background);
			});
	}

	#asBatch(batch: Stored[], said: Map<Stored, Said>, by: Invocation): MessageBatch {
		// The first word counts.
		const say = (message: Stored, word: Said) => {
			if (said.get(message) !== null) return;
			said.set(message, word);
			if (word === null) return;
			this.#world.note(by.name, `says ${JSON.stringify(word)} about ${JSON.stringify(message.body)}`);
			this.#consumers.onSaid(message.body, word === "ack" ? "ack" : "retry", by);
		};
		const messages = batch.map((message) => ({
			id: message.id,
			timestamp: new Date(this.#world.now),
			body: message.body,
			attempts: message.attempts,
			ack: () => say(message, "ack"),
			retry: (options: QueueRetryOptions = {}) => say(message, { retryMs: 1000 * (options.delaySeconds ?? 0) }),
		}));
		const each = (word: Said) => {
			for (const message of batch) say(message, word);
		};
		const { name } = this.#consumers;
		const metadata = { metrics: { backlogCount: this.backlog, backlogBytes: 0 } };
		return { queue: name, messages, metadata, ackAll: () => each("ack"), retryAll: () => each({ retryMs: 0 }) };
	}

	/** @param otherwise what becomes of messages about which nothing was said */
	#close(said: Map<Stored, Said>, otherwise: Said, by: Invocation): void {
		if (by.isDead) return;
		for (const [message, word] of said) {
			const fate = word ?? otherwise;
			if (fate === "ack" || fate === null) this.#messages.delete(message.id);
			else {
				for (const listener of this.#acceptListeners) listener(message.body, fate.retryMs / 1_000, by, true);
				this.#store(message, fate.retryMs);
			}
		}
		// Whatever becomes of the invocation now, its messages are not affected.
		said.clear();
	}

	#cancelTimer(said: Map<Stored, Said>): void {
		const { dice, current } = this.#world;
		for (const [message, word] of said) {
			const isForgotten = word === "ack" ? dice.chance(0.5) : dice.chance(current.messages.lost);
			if (isForgotten) this.#messages.delete(message.id);
			else {
				const backMs = dice.skewed(0, BACK_MS_MAX);
				this.#world.disturb(backMs);
				this.#store(message, backMs);
			}
		}
	}
}
