/** Any Worker, counted: the same handlers behind counting bindings, and beside them the routes of the bench. */
import { z } from "zod";
import { countedEnv, invocationOf, ledger, takeCounted } from "./counting.ts";

/** Queue names end alike in all that is measured. */
function consumerOf(queue: string): string {
	if (queue.endsWith("jobs")) return "consumer";
	return queue.endsWith("deliveries") ? "dispatcher" : queue;
}

interface Measured<E> {
	fetch(request: Request, env: E, context: ExecutionContext): Response | Promise<Response>;
	queue?(batch: MessageBatch, env: E, context: ExecutionContext): void | Promise<void>;
	scheduled?(controller: ScheduledController, env: E, context: ExecutionContext): void | Promise<void>;
}

const Sql = z.object({ sql: z.string(), params: z.array(z.union([z.string(), z.number(), z.null()])) });

/** Answers the bench's own three routes, and hands everything else to `worker`. */
export function withBenchRoutes<E extends object, W extends Measured<E>>(worker: W & Measured<E>): W {
	return {
		...worker,
		async fetch(request: Request, env: E, context: ExecutionContext): Promise<Response> {
			const { pathname } = new URL(request.url);
			if (pathname === "/bench/ledger") return Response.json(ledger);
			if (pathname === "/bench/sql") return await runSql(env, await request.json());
			if (pathname === "/bench/insert") return await insertOnly(env, await request.text());
			return await worker.fetch(request, env, context);
		},
	};
}

export function countedWorker<E extends object>(worker: Measured<E>) {
	const counted = new Map<string, E>();
	/** One for each actor and no more: what a Worker knows by its environment, it knows as long as in production. */
	const envOf = (env: E, actor: string): E => {
		const known = counted.get(actor) ?? countedEnv(env, actor);
		counted.set(actor, known);
		return known;
	};
	return withBenchRoutes({
		async fetch(request: Request, env: E, context: ExecutionContext): Promise<Response> {
			return await invocationOf("intake", () => worker.fetch(request, envOf(env, "intake"), context));
		},

		async queue(batch: MessageBatch, env: E, context: ExecutionContext): Promise<void> {
			const actor = consumerOf(batch.queue);
			await invocationOf(actor, () =>
				takeCounted(batch, actor, (taken) => worker.queue?.(taken, envOf(env, actor), context)),
			);
		},

		async scheduled(controller: ScheduledController, env: E, context: ExecutionContext): Promise<void> {
			await invocationOf("sweeper", () => worker.scheduled?.(controller, envOf(env, "sweeper"), context));
		},
	});
}

/** One D1 insert and an answer: what no submission can be faster than. Not counted. */
async function insertOnly(env: object, body: string): Promise<Response> {
	const id = crypto.randomUUID();
	await databaseOf(env).prepare("INSERT INTO bare_inserts (id, body) VALUES (?1, ?2)").bind(id, body).run();
	return Response.json({ id }, { status: 202 });
}

/** To fill tables with, and to look into them. Not counted. */
async function runSql(env: object, body: unknown): Promise<Response> {
	const { sql, params } = Sql.parse(body);
	const { results, meta } = await databaseOf(env)
		.prepare(sql)
		.bind(...params)
		.all();
	return Response.json({ results, meta });
}

function databaseOf(env: object): D1Database {
	const db: D1Database = Reflect.get(env, "DB");
	return db;
}
