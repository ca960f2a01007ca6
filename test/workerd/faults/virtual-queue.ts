/** A queue on the world's clock: it delivers in batches of four, and does with each message as it is told. */
import type { Runtime } from "../../../shared/core/runtime.ts";

/** As wrangler.toml has them. */
const BATCH_SIZE_MAX = 4;
const RETRY_DELAY_SECONDS = 60;
/** Nothing is delivered in no time. */
const DELIVERY_MS = 10;

interface Waiting {
	id: string;
	body: unknown;
	attempts: number;
	dueAt: number;
}

interface Around {
	runtime: Runtime;
	problem(what: string): void;
}

export class VirtualQueue {
	readonly #name: string;
	readonly #world: Around;
	readonly #consume: (batch: MessageBatch) => Promise<void>;
	readonly #waiting = new Set<Waiting>();
	#ids = 0;

	/** @param consume one invocation; when it rejects, what it was not told about comes again */
	constructor(name: string, world: Around, consume: (batch: MessageBatch) => Promise<void>) {
		this.#name = name;
		this.#world = world;
		this.#consume = consume;
	}

	/** How many messages wait, delayed ones too. */
	size(): number {
		return this.#waiting.size;
	}

	add(body: unknown, delaySeconds = 0, attempts = 1): void {
		const { runtime } = this.#world;
		const waitMs = delaySeconds * 1000 + DELIVERY_MS;
		this.#ids += 1;
		this.#waiting.add({ id: `${this.#name}-${this.#ids}`, body, attempts, dueAt: runtime.now() + waitMs });
		runtime.timer(waitMs, () => this.#deliverDue());
	}

	/** Loses what waits. */
	clear(): void {
		this.#waiting.clear();
	}

	#deliverDue(): void {
		const due = [...this.#waiting].filter(({ dueAt }) => dueAt <= this.#world.runtime.now());
		for (const message of due) this.#waiting.delete(message);
		for (let from = 0; from < due.length; from += BATCH_SIZE_MAX) {
			void this.#deliver(due.slice(from, from + BATCH_SIZE_MAX));
		}
	}

	async #deliver(batch: Waiting[]): Promise<void> {
		const untold = new Map(batch.map((message) => [message.id, message]));
		const wrongly = () => this.#world.problem(`a whole batch of ${this.#name} was acked or retried`);
		const metadata = { metrics: { backlogCount: this.size(), backlogBytes: 0 } };
		const messages = batch.map((message) => this.#messageOf(message, untold));
		try {
			await this.#consume({ queue: this.#name, messages, metadata, ackAll: wrongly, retryAll: wrongly });
			// The platform would ack it, and nobody meant to.
			if (untold.size > 0) this.#world.problem(`a message of ${this.#name} was told nothing`);
		} catch (error) {
			this.#world.problem(`the consumer of ${this.#name} threw ${String(error)}`);
			for (const { body, attempts } of untold.values()) this.add(body, RETRY_DELAY_SECONDS, attempts + 1);
		}
	}

	#messageOf({ id, body, attempts }: Waiting, untold: Map<string, Waiting>): Message {
		const tell = (then: () => void) => {
			if (untold.delete(id)) then();
			else this.#world.problem(`a message of ${this.#name} was told twice what becomes of it`);
		};
		return {
			id,
			body,
			attempts,
			timestamp: new Date(this.#world.runtime.now()),
			ack: () => tell(() => undefined),
			retry: ({ delaySeconds = RETRY_DELAY_SECONDS } = {}) => tell(() => this.add(body, delaySeconds, attempts + 1)),
		};
	}
}
