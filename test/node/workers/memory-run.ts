/**
 * Work on large bodies in a process whose heap its caller limits: `intake` takes three at once and then the last again, or a
 * provider is called by a consumer with two at once. Prints what came of them, and the most bytes that were in buffers.
 */
import type { JsonObject } from "../../../shared/core/json/json.ts";
import { MemoryBudget } from "../../../shared/core/memory-budget.ts";
import { HostCache } from "../../../shared/webhooks/host-cache.ts";
import { bind } from "../../../workers/bindings.ts";
import { consumeJobs } from "../../../workers/consumer/index.ts";
import { api } from "../../../workers/intake/api.ts";
import { KeyCache } from "../../../workers/intake/auth/key-cache.ts";
import { bindRateLimiters, RequestCounters } from "../../../workers/intake/auth/rate-limiters.ts";
import { Waits } from "../../../workers/intake/http/waits.ts";
import { SubmissionLoad } from "../../../workers/intake/jobs/submission-load.ts";
import { RecentStats } from "../../../workers/intake/tenants/recent-stats.ts";
import { Isolate } from "../../../workers/isolate.ts";
import { CALM } from "../../simulation/world/options.ts";
import { Service } from "../../simulation/world/service.ts";
import { SqlEngine } from "../../simulation/world/sql-engine.ts";
import { makeTenant } from "../../simulation/world/tenant.ts";
import { World } from "../../simulation/world/world.ts";

const [, , actor = "", kind = ""] = process.argv;
const MIB = 1024 * 1024;
const KEYS = 498_000;
const CHUNK = 64 * 1024;

/** A body in pieces, so that only its reader has the whole. */
function* piecesOf(what: string): Generator<string> {
	yield '{"model":"m","input":{"messages":[{"role":"user","content":"';
	if (what === "euro") yield '"}],"x":[{"y":"€';
	if (what === "emoji") yield "😀";
	if (what === "keys") yield '"}],"x":[{"a":0';
	if (what === "anthropic") return yield* anthropicPieces();
	for (let at = 0; what === "keys" && at < KEYS; at++) {
		yield at % 9_000 === 8_999 ? '},{"a":0' : `,"key ${at.toString().padStart(24, "k")}":0`;
	}
	for (let at = 0; what !== "keys" && at < 15.9 * MIB; at += CHUNK) yield "x".repeat(CHUNK);
	yield what === "keys" ? "}]}}" : '"}]}}';
}

/** A file of plain text, and a call with empty objects. */
function* anthropicPieces(): Generator<string> {
	yield '"},{"role":"user","content":[{"type":"file","file":{"file_data":"data:text/plain;base64,';
	for (let at = 0; at < 6 * MIB; at += CHUNK) yield "aGhh".repeat(CHUNK / 4);
	yield '"}}]},{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{\\"a\\":[';
	for (let at = 0; at < 9.9 * MIB; at += CHUNK) yield "{},".repeat(CHUNK / 3);
	yield '{}]}"}}]}]}}';
}

let buffersMax = 0;

/** Where it may be, garbage is collected before a new maximum counts: when Node does that by itself depends on the machine. */
const look = () => {
	if (process.memoryUsage().arrayBuffers <= buffersMax) return;
	globalThis.gc?.();
	buffersMax = Math.max(buffersMax, process.memoryUsage().arrayBuffers);
};

// A workerd isolate has decoded text on its heap. Node keeps it outside: it is copied, so that the heap's limit counts it.
const decode = TextDecoder.prototype.decode;
TextDecoder.prototype.decode = function onHeap(...args) {
	const text = decode.apply(this, args);
	look();
	if (text.length < MIB) return text;
	const copy = ` ${text}`;
	return /^$/.test(copy) ? "" : copy.slice(1);
};

const world = new World(1, { overrides: { ...CALM, jobs: 0, skewMs: 0 } });
world.endFaults();
const service = new Service(world, new SqlEngine());
const { tenantId, keyWith } = await makeTenant(service, "large");
const key = await keyWith(["jobs:write", "jobs:read"]);
let size = 0;
for (const piece of piecesOf(kind)) size += Buffer.byteLength(piece);

/** R2 that takes five seconds for a put and keeps nothing, and a queue whose messages arrive nowhere. */
function envOf(by: ReturnType<Service["invocation"]>) {
	const RESULTS = {
		put: async () => {
			look();
			await by.runtime.sleep(5_000);
			return {};
		},
		head: async () => null,
		delete: async () => undefined,
		get: async () => ({ arrayBuffer: async () => storedInput() }),
	};
	const JOB_QUEUE = { send: async () => undefined, sendBatch: async () => undefined };
	return Object.assign(service.envFor(by), { RESULTS, JOB_QUEUE });
}

function storedInput(): ArrayBuffer {
	const before = '{"model":"m","input":'.length;
	const input = new Uint8Array(size - before - 1);
	let at = -before;
	for (const piece of piecesOf(kind)) {
		const bytes = new TextEncoder().encode(piece);
		const from = Math.max(0, -at);
		input.set(bytes.subarray(from, Math.min(bytes.byteLength, input.byteLength - at)), at + from);
		at += bytes.byteLength;
	}
	return input.buffer;
}

const shared = {
	keys: new KeyCache(),
	counters: new RequestCounters(),
	hosts: new HostCache(),
	submissionLoad: new SubmissionLoad(),
	waits: new Waits(),
	recentStats: new RecentStats(),
	memory: new MemoryBudget(process.env.NO_BUDGET ? Number.POSITIVE_INFINITY : undefined),
};

const jobIds: string[] = [];

async function submit(nth: number, pieces: Iterator<string>, length: number): Promise<string> {
	const by = service.invocation("intake");
	const { runtime } = by;
	const body = new ReadableStream({
		type: "bytes",
		async pull(controller) {
			await runtime.sleep(1);
			let chunk = "";
			for (let piece = pieces.next(); !piece.done; piece = pieces.next()) {
				chunk += piece.value;
				if (chunk.length >= CHUNK) break;
			}
			if (chunk !== "") return controller.enqueue(new TextEncoder().encode(chunk));
			controller.close();
			controller.byobRequest?.respond(0);
		},
	});
	const headers = {
		authorization: `Bearer ${key}`,
		"content-type": "application/json",
		"content-length": `${length}`,
		"idempotency-key": `${kind}-${nth}`,
	};
	const request = new Request("https://jobs.sim/v1/jobs", {
		method: "POST",
		headers,
		body,
		duplex: "half",
	} as RequestInit);
	const env = envOf(by);
	const services = {
		...{ ...bind(env, runtime), ...bindRateLimiters(env, runtime), ...shared },
		...{ config: service.config, runtime, background: () => undefined },
	};
	const response = await api.fetch(request, { services, requestId: "req_1" });
	const { id } = JSON.parse(await response.text());
	if (response.status === 202) jobIds.push(id);
	return `${response.status} ${response.headers.get("retry-after") ?? ""}`;
}

async function inWorld<T>(work: Promise<T>): Promise<T> {
	let isOver = false;
	const end = () => {
		isOver = true;
	};
	work.then(end, end);
	await world.run(3_600_000, () => isOver);
	return await work;
}

/** How many calls are in flight at once, each for five seconds. */
async function calledAtOnce(provider: "openai-compatible" | "workers-ai"): Promise<number> {
	const by = service.invocation("consumer");
	let running = 0;
	let most = 0;
	const respond = async (sent: unknown) => {
		most = Math.max(most, ++running);
		look();
		await by.runtime.sleep(5_000);
		running -= 1;
		return sent === null ? new Response() : Response.json({ choices: [{ message: { content: "Hi" } }] });
	};
	const AI = {
		run: (_: string, inputs: JsonObject) => respond(new TextEncoder().encode(JSON.stringify({ inputs }))),
	};
	const env = Object.assign(envOf(by), { AI });
	const runtime = { ...by.runtime, fetch: (_: string, init: RequestInit) => respond(init.body) };
	const rename = kind === "anthropic" ? { rename: "anthropic/claude-sonnet-5" } : {};
	const route = { match: "*", provider, base_url: "https://provider.test/v1", ...rename };
	const messages = jobIds.map((jobId) => ({ id: jobId, body: { tenantId, jobId }, ack() {}, retry() {} }));
	const batch = { queue: "holdfast-jobs", messages } as unknown as MessageBatch;
	await consumeJobs(
		batch,
		env,
		{ ...service.config, modelRoutes: [route] },
		runtime,
		Object.assign(new Isolate(), shared),
	);
	return most;
}

if (actor === "intake") {
	const outcomes = await inWorld(Promise.all([0, 1, 2].map((nth) => submit(nth, piecesOf(kind), size))));
	const again = await inWorld(submit(2, piecesOf(kind), size));
	console.log(JSON.stringify({ outcomes, again, buffersMax }));
} else {
	const { DB } = service.envFor(service.invocation("intake"));
	const small = '{"model":"m","input":{"messages":[]}}';
	await inWorld(Promise.all([0, 1].map((nth) => submit(nth, [small].values(), small.length))));
	const enlarge = "UPDATE jobs SET input = NULL, input_key = 'inputs/x', input_bytes = ?1";
	await inWorld(DB.batch([DB.prepare(enlarge).bind(size)]));
	const atOnce = await inWorld(calledAtOnce(actor === "workers-ai" ? actor : "openai-compatible"));
	const [read] = await inWorld(DB.batch<{ status: string }>([DB.prepare("SELECT status FROM jobs")]));
	console.log(JSON.stringify({ atOnce, outcomes: read?.results.map(({ status }) => status), buffersMax }));
}
