/** A queue of a world. It delivers by itself, in batches of four on the world's clock, or keeps messages until a test takes them. */
import type { z } from "zod";
import type { Runtime } from "../../../shared/core/runtime.ts";

/** As wrangler.toml has them. */
const BATCH_SIZE_MAX = 4;
const RETRY_DELAY_SECONDS = 60;
/** Nothing is delivered in no time. */
const DELIVERY_MS = 10;

interface Waiting<Body> {
	id: string;
	body: Body;
	attempts: number;
	dueAt: number;
}

interface Settings<Body> {
	name: string;
	schema: z.ZodType<Body>;
	runtime: Runtime;
	problem(what: string): void;
	/** One invocation; when it rejects, the messages without a disposition come again. Null: messages are kept. */
	consume: ((batch: MessageBatch) => Promise<void>) | null;
}

export class WorldQueue<Body> {
	/** What it says of its backlog: the truth, unless a test sets it. Null: the call fails. */
	reported: number | null | undefined;
	readonly #settings: Settings<Body>;
	readonly #waiting = new Set<Waiting<Body>>();
	#ids = 0;

	constructor(settings: Settings<Body>) {
		this.#settings = settings;
		this.reported = settings.consume === null ? null : undefined;
	}

	/** What waits, delayed messages too. */
	get waiting(): Body[] {
		return [...this.#waiting].map(({ body }) => body);
	}

	/** Removes what waits. */
	take(): Body[] {
		const taken = this.waiting;
		this.#waiting.clear();
		return taken;
	}

	backlog(): number {
		if (this.reported === null) throw new Error("the queue does not know its backlog");
		return this.reported ?? this.#waiting.size;
	}

	add(body: unknown, delaySeconds = 0, attempts = 1): void {
		const { name, schema, runtime, consume } = this.#settings;
		const waitMs = delaySeconds * 1000 + DELIVERY_MS;
		const id = `${name}-${++this.#ids}`;
		this.#waiting.add({ id, body: schema.parse(body), attempts, dueAt: runtime.now() + waitMs });
		if (consume !== null) runtime.timer(waitMs, () => this.#deliverDue(consume));
	}

	#deliverDue(consume: (batch: MessageBatch) => Promise<void>): void {
		const due = [...this.#waiting].filter(({ dueAt }) => dueAt <= this.#settings.runtime.now());
		for (const message of due) this.#waiting.delete(message);
		for (let from = 0; from < due.length; from += BATCH_SIZE_MAX) {
			void this.#deliver(due.slice(from, from + BATCH_SIZE_MAX), consume);
		}
	}

	async #deliver(batch: Waiting<Body>[], consume: (batch: MessageBatch) => Promise<void>): Promise<void> {
		const { name, problem } = this.#settings;
		const open = new Map(batch.map((message) => [message.id, message]));
		const wrongly = () => problem(`a whole batch of ${name} was acked or retried`);
		const metadata = { metrics: { backlogCount: this.#waiting.size, backlogBytes: 0 } };
		const messages = batch.map((message) => this.#messageOf(message, open));
		try {
			await consume({ queue: name, messages, metadata, ackAll: wrongly, retryAll: wrongly });
			// The platform would ack it, without a decision of ours.
			if (open.size > 0) problem(`a message of ${name} got no disposition`);
		} catch (error) {
			problem(`the consumer of ${name} threw ${String(error)}`);
			for (const { body, attempts } of open.values()) this.add(body, RETRY_DELAY_SECONDS, attempts + 1);
		}
	}

	#messageOf({ id, body, attempts }: Waiting<Body>, open: Map<string, Waiting<Body>>): Message {
		const { name, problem, runtime } = this.#settings;
		const dispose = (then: () => void) => {
			if (open.delete(id)) then();
			else problem(`a message of ${name} got two dispositions`);
		};
		return {
			id,
			body,
			attempts,
			timestamp: new Date(runtime.now()),
			ack: () => dispose(() => undefined),
			retry: ({ delaySeconds = RETRY_DELAY_SECONDS } = {}) => dispose(() => this.add(body, delaySeconds, attempts + 1)),
		};
	}
}
