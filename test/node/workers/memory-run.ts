/**
 * Intake's work on three large bodies at once, in a process whose heap its caller limits. Prints what came of them and of another
 * try of the last, and the most bytes that were in buffers.
 */
import { MemoryBudget } from "../../../shared/core/memory-budget.ts";
import { HostCache } from "../../../shared/webhooks/host-cache.ts";
import { bind } from "../../../workers/bindings.ts";
import { api } from "../../../workers/intake/api.ts";
import { KeyCache } from "../../../workers/intake/auth/key-cache.ts";
import { bindRateLimiters, RequestCounters } from "../../../workers/intake/auth/rate-limiters.ts";
import { Waits } from "../../../workers/intake/http/waits.ts";
import { SubmissionLoad } from "../../../workers/intake/jobs/submission-load.ts";
import { CALM } from "../../simulation/world/options.ts";
import { Service } from "../../simulation/world/service.ts";
import { SqlEngine } from "../../simulation/world/sql-engine.ts";
import { makeTenant } from "../../simulation/world/tenant.ts";
import { World } from "../../simulation/world/world.ts";

const [, , kind = ""] = process.argv;
const MIB = 1024 * 1024;
const KEYS = 498_000;
const CHUNK = 64 * 1024;

/** A body in pieces, so that only its reader has the whole. */
function* piecesOf(what: string): Generator<string> {
	yield '{"model":"m","input":{"messages":[{"role":"user","content":"';
	if (what === "emoji") yield "😀";
	if (what === "keys") yield '"}],"x":[{"a":0';
	for (let at = 0; what === "keys" && at < KEYS; at++) {
		yield at % 9_000 === 8_999 ? '},{"a":0' : `,"key ${at.toString().padStart(24, "k")}":0`;
	}
	for (let at = 0; what !== "keys" && at < 15.9 * MIB; at += CHUNK) yield "x".repeat(CHUNK);
	yield what === "keys" ? "}]}}" : '"}]}}';
}

let buffersMax = 0;
const look = () => {
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
const { keyWith } = await makeTenant(service, "large");
const key = await keyWith(["jobs:write", "jobs:read"]);
let size = 0;
for (const piece of piecesOf(kind)) size += Buffer.byteLength(piece);

/** R2 that takes five seconds for a put and keeps nothing. */
function envOf(by: ReturnType<Service["invocation"]>) {
	const RESULTS = {
		put: async () => {
			look();
			await by.runtime.sleep(5_000);
			return {};
		},
		head: async () => null,
		delete: async () => undefined,
	};
	return Object.assign(service.envFor(by), { RESULTS });
}

const shared = {
	keys: new KeyCache(),
	counters: new RequestCounters(),
	hosts: new HostCache(),
	submissionLoad: new SubmissionLoad(),
	waits: new Waits(),
	memory: new MemoryBudget(process.env.NO_BUDGET ? Number.POSITIVE_INFINITY : undefined),
};

async function submit(nth: number): Promise<string> {
	const by = service.invocation("intake");
	const { runtime } = by;
	const pieces = piecesOf(kind);
	const body = new ReadableStream<Uint8Array>({
		async pull(controller) {
			await runtime.sleep(1);
			let chunk = "";
			for (let piece = pieces.next(); !piece.done; piece = pieces.next()) {
				chunk += piece.value;
				if (chunk.length >= CHUNK) break;
			}
			if (chunk === "") controller.close();
			else controller.enqueue(new TextEncoder().encode(chunk));
		},
	});
	const headers = {
		authorization: `Bearer ${key}`,
		"content-type": "application/json",
		"content-length": `${size}`,
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
	await response.text();
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

const outcomes = await inWorld(Promise.all([0, 1, 2].map(submit)));
const again = await inWorld(submit(2));
console.log(JSON.stringify({ outcomes, again, buffersMax }));
