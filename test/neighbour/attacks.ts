/**
 * What a hostile tenant does with an ordinary key, one way at a time. Requests are paced: a flood that is refused at the front
 * measures the machine, not the service.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { callForSuccess } from "../../scripts/lib/call-api.ts";
import type { TemporaryService } from "../service/support/temporary-service.ts";
import type { Caller } from "./caller.ts";
import { MODEL } from "./figures.ts";
import { copyJob, useModels } from "./stored-rows.ts";
import { LONG, TOO_LARGE, type Upstream } from "./upstream.ts";

export interface Stage {
	service: TemporaryService;
	upstream: Upstream;
	attacker: Caller;
	/** Aborted when the attack is over. */
	over: AbortSignal;
}

export interface Attack {
	name: string;
	/** What the attacker has before the attack begins. */
	prepare?(stage: Stage): Promise<void>;
	run(stage: Stage): Promise<void>;
	/** The most events that one host may receive a second. */
	eventsPerSecondMax?: number;
	/** A status that some of the attacker's requests must get. */
	refusedWith?: number;
}

const BODY_BYTES = 16 * 1024 * 1024;
const TAGS = Object.fromEntries(Array.from({ length: 16 }, (_, nth) => [`k${nth}`, `v${nth}`]));
const Id = z.object({ id: z.string() });

const prompt = (content: string, fields: object = {}) => ({
	model: MODEL,
	...fields,
	input: { messages: [{ role: "user", content }] },
});

export const ATTACKS: readonly Attack[] = [
	{
		name: "H1 prompts above the account's limit",
		run: ({ attacker, over }) =>
			paced(over, 4, 16, () =>
				attacker.send("POST", "/v1/jobs", prompt(TOO_LARGE, { priority: 9, deadline_seconds: 604_800 })),
			),
	},
	{
		name: "H1 calls cut by their own timeout",
		run: ({ attacker, over }) =>
			paced(over, 5, 16, () => attacker.send("POST", "/v1/jobs", prompt(LONG, { timeout_seconds: 1, priority: 9 }))),
	},
	{
		name: "H2 completions of 2,000,000 tokens",
		run: ({ attacker, over }) =>
			paced(over, 2, 8, (nth) => {
				// Paced or not; the last length is permitted. Pauses would only hold up the local queue, which runs a batch at a time.
				const simulate = [
					{ output_tokens: 2_000_000, stream_chunk_ms: 0 },
					{ output_tokens: 2_000_000 },
					{ output_tokens: 100_000 },
				][nth % 3];
				const job = { model: "simulated/x", max_attempts: 20, input: { messages: [], simulate } };
				return attacker.send("POST", "/v1/jobs", job);
			}),
	},
	{
		name: "H3 lists with 16 filters, waits and full pages",
		async prepare({ service, attacker }) {
			const { id } = await submitted(attacker, prompt("Why?", { metadata: TAGS, delay_seconds: 3_600 }));
			await attacker.send("POST", `/v1/jobs/${id}/cancel`);
			copyJob(service.stateDir, id, 1_200);
		},
		async run({ attacker, over }) {
			const open = await submitted(attacker, prompt("Why?", { delay_seconds: 3_600 }));
			const filters = Object.entries({ ...TAGS, k15: "none" }).map(([name, value]) => `metadata[${name}]=${value}`);
			const read = (path: string, prefer?: string) => attacker.send("GET", path, undefined, prefer);
			await Promise.all([
				paced(over, 20, 16, () => read(`/v1/jobs?limit=1&${filters.join("&")}`)),
				paced(over, 5, 8, () => read(`/v1/jobs?limit=100&${filters.slice(0, 4).join("&")}`)),
				paced(over, 5, 8, () => read("/v1/jobs?limit=100")),
				paced(over, 20, 100, () => read(`/v1/jobs/${open.id}`, "wait=5")),
			]);
		},
	},
	{
		// Two at a time are read, parsed, stored and sent to the model. The others would exceed an isolate's memory.
		name: "H4 four bodies of 16 MiB at once",
		run: ({ attacker, over }) => sendLargest(attacker, prompt("€…"), over),
		refusedWith: 429,
	},
	{
		name: "M8 events at one host",
		async prepare({ attacker, upstream }) {
			for (let nth = 0; nth < 4; nth++) {
				const endpoint = { name: "cannon", url: `${upstream.receiverUrl}?${nth}`, event_types: ["job.cancelled"] };
				await attacker.send("POST", "/v1/webhook_endpoints", endpoint);
			}
		},
		async run({ attacker, over }) {
			const list = z.object({ data: z.array(Id) });
			const { data } = list.parse(JSON.parse((await attacker.send("GET", "/v1/webhook_endpoints")).text));
			const job = await submitted(attacker, prompt("Why?", { delay_seconds: 3_600 }));
			await attacker.send("POST", `/v1/jobs/${job.id}/cancel`);
			await paced(over, 40, 40, (nth) => {
				if (nth % 4 === 0) return attacker.send("POST", `/v1/jobs/${job.id}/redeliver`);
				const test = `/v1/webhook_endpoints/${data[nth % data.length]?.id}/test`;
				return attacker.send("POST", test, { event_type: "job.cancelled" });
			});
		},
		eventsPerSecondMax: 10,
	},
	{
		name: "M9 thousands of model names",
		async prepare({ service, attacker }) {
			const limits = { tokens_per_day: 1_000_000_000 };
			const tenant = `${service.url}/v1/admin/tenants/${attacker.tenantId}`;
			await callForSuccess(tenant, { method: "PATCH", token: service.adminToken, body: { limits } });
			// What half a day at the permitted rate would make.
			useModels(service.stateDir, attacker.tenantId, 1_000_000);
		},
		run: ({ attacker, over }) =>
			paced(over, 12, 24, async (nth) => {
				const { id } = await submitted(attacker, prompt("Why?", { model: `shared/m${nth}`, delay_seconds: 5 }));
				await attacker.send("POST", `/v1/jobs/${id}/cancel`);
			}),
	},
];

/** Four at once, each with so much text in place of its "…" that it is as large as a body may be. */
async function sendLargest(attacker: Caller, job: object, over: AbortSignal): Promise<void> {
	const [head, tail] = JSON.stringify(job).split("…");
	const filler = Buffer.alloc(BODY_BYTES - 1_000, "a");
	const body = Buffer.concat([Buffer.from(head ?? ""), filler, Buffer.from(tail ?? "")]);
	const send = () => attacker.send("POST", "/v1/jobs", body);
	while (!over.aborted) {
		await Promise.all([send(), send(), send(), send()]);
		await pause(500, over);
	}
}

async function submitted(caller: Caller, job: object): Promise<{ id: string }> {
	const { status, text } = await caller.send("POST", "/v1/jobs", job);
	// Refused by a limit, which is what an attack is for.
	return status === 202 ? Id.parse(JSON.parse(text)) : { id: "job_none" };
}

/** Acts so many times a second, while no more than `inFlightMax` acts are under way. */
async function paced(
	over: AbortSignal,
	perSecond: number,
	inFlightMax: number,
	act: (nth: number) => Promise<unknown>,
): Promise<void> {
	const inFlight = new Set<Promise<unknown>>();
	for (let nth = 0; !over.aborted; nth++) {
		if (inFlight.size < inFlightMax) {
			const acting = act(nth).finally(() => inFlight.delete(acting));
			inFlight.add(acting);
		}
		await pause(1_000 / perSecond, over);
	}
	await Promise.all(inFlight);
}

async function pause(ms: number, over: AbortSignal): Promise<void> {
	await sleep(ms, undefined, { signal: over }).catch(() => undefined);
}
