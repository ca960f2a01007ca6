/** The bindings of the Worker, each call of which passes a gate. D1, R2 and limiters are real behind it; D1 is told the time. */
import { env } from "cloudflare:workers";
import { NOW } from "../../../shared/db/database.ts";
import { brokenBody, type Called, type Fault } from "./fault.ts";

/** Decides what becomes of a call, and knows which I/O is under way. */
export interface Gate {
	/** Called where the product calls, so that the stack tells who it was. */
	pass<T>(called: Called, run: () => Promise<T>, broken?: (fault: Fault, whole: T) => T): Promise<T>;
	counted<T>(run: () => Promise<T>): Promise<T>;
	now(): number;
}

/** `target` with some members replaced; methods of the others keep their `this`. */
export function standIn<Target extends object>(target: Target, members: Record<string, unknown>): Target {
	return new Proxy(target, {
		get(real, name) {
			if (typeof name === "string" && name in members) return members[name];
			const value: unknown = Reflect.get(real, name);
			return typeof value === "function" ? value.bind(real) : value;
		},
	});
}

export function gatedD1(gate: Gate): D1Database {
	const real = new WeakMap<object, { statement: D1PreparedStatement; sql: string; params: unknown[] }>();
	const called = (statements: { sql: string; params: unknown[] }[]): Called => ({
		outside: "d1",
		method: statements.length === 1 ? "all" : "batch",
		isRead: !statements.some(({ sql }) => /\b(INSERT|UPDATE|DELETE)\b/.test(sql)),
		hasBody: false,
		about: jobsIn(statements.map(({ params }) => params)),
	});
	const prepare = (sql: string) =>
		standIn(env.DB.prepare(sql), {
			bind(...given: unknown[]) {
				const params = sql.includes(NOW) ? [given[0] ?? gate.now(), ...given.slice(1)] : given;
				const asked = { statement: env.DB.prepare(sql).bind(...params), sql, params };
				const all = () => gate.pass(called([asked]), () => gate.counted(() => asked.statement.all()));
				const stand = standIn(asked.statement, { all, run: all, first: unexpected, raw: unexpected });
				real.set(stand, asked);
				return stand;
			},
		});
	const batch = (statements: object[]) => {
		const asked = statements.flatMap((statement) => real.get(statement) ?? []);
		return gate.pass(called(asked), () => gate.counted(() => env.DB.batch(asked.map(({ statement }) => statement))));
	};
	return standIn(env.DB, { prepare, batch, exec: unexpected, dump: unexpected, withSession: unexpected });
}

/** A way into a binding that nobody used so far, and that would be missed here. */
function unexpected(): never {
	throw new Error("the gate does not know this method");
}

export function gatedR2(gate: Gate): R2Bucket {
	const gated = (method: "head" | "get" | "put" | "delete" | "list") => {
		return (...args: unknown[]) => {
			const isRead = method === "head" || method === "get" || method === "list";
			const called: Called = { outside: "r2", method, isRead, hasBody: method === "get", about: jobsIn(args) };
			const run = async (): Promise<unknown> => {
				const answer: unknown = await gate.counted(() => Reflect.apply(env.RESULTS[method], env.RESULTS, args));
				return method === "get" && answer !== null ? readable(gate, Object(answer)) : answer;
			};
			return gate.pass(called, run, (fault, whole) => (whole === null ? null : unreadable(fault, Object(whole))));
		};
	};
	return standIn(env.RESULTS, {
		head: gated("head"),
		get: gated("get"),
		put: gated("put"),
		delete: gated("delete"),
		list: gated("list"),
		createMultipartUpload: unexpected,
		resumeMultipartUpload: unexpected,
	});
}

/** Whether a request was counted matters to nobody, so its faults are those of a read. */
export function gatedLimiter(gate: Gate, limiter: RateLimit): RateLimit {
	const called: Called = { outside: "limiter", method: "limit", isRead: true, hasBody: false, about: [] };
	return { limit: (options) => gate.pass(called, () => gate.counted(() => limiter.limit(options))) };
}

/** What is read of a body is I/O too, during which the clock stands still. */
function readable(gate: Gate, object: R2ObjectBody): R2ObjectBody {
	return standIn(object, {
		text: () => gate.counted(() => object.text()),
		json: () => gate.counted(() => object.json()),
		arrayBuffer: () => gate.counted(() => object.arrayBuffer()),
	});
}

function unreadable(fault: Fault, object: R2ObjectBody): R2ObjectBody {
	const body = brokenBody(fault);
	const text = () => new Response(body).text();
	return standIn(object, { body, text, json: async () => JSON.parse(await text()), arrayBuffer: unexpected });
}

/** The random part is what a job's id shares with those of its deliveries and of its objects. */
export function jobsIn(value: unknown): string[] {
	const ids = JSON.stringify(value).matchAll(/(?:job|dlv)_([0-9a-z]{26})/g);
	return [...new Set([...ids].map(([, id = ""]) => id))];
}
