/**
 * `npm run test:neighbour`: two tenants on the real service, one of them hostile. While each attack lasts, the other's submissions,
 * polls and jobs may take three times as long as without it, at the 99th percentile. Both are measured in the same run, so that
 * the speed of the machine does not matter. `-- --only H3` runs one attack.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { callForSuccess } from "../../scripts/lib/call-api.ts";
import { startTemporaryService, type TemporaryService } from "../service/support/temporary-service.ts";
import { ATTACKS, type Attack } from "./attacks.ts";
import { newCaller } from "./caller.ts";
import { METRICS, type Percentiles, p99Of, RATIO_MAX, ratiosOf, type Samples, type Window } from "./figures.ts";
import { openUpstream, type Upstream } from "./upstream.ts";

const WARM_UP_MS = 2_000;
const IDLE_MS = 6_000;
const ATTACK_MS = 5_000;
const DRAIN_MS = 10_000;
/** The attack is under way before its effect is measured. */
const LEAD_MS = 500;
/** Of the bound on events: what was sent at once before the rate applied, and is not counted by the second. */
const EVENTS_BURST = 15;

interface Ground {
	service: TemporaryService;
	upstream: Upstream;
	/** The other tenant's samples of the next seconds. */
	measure(window: Window): Promise<Samples>;
}

async function main(): Promise<boolean> {
	const { values } = parseArgs({ options: { only: { type: "string", default: "" } } });
	const upstream = await openUpstream();
	const service = await startTemporaryService({ MODEL_ROUTES: routesTo(upstream.modelUrl), RATE_LIMITS: "true" });
	try {
		const { key } = await newCaller(service, "bystander");
		const bystander = new Worker(join(import.meta.dirname, "bystander.ts"), { workerData: { url: service.url, key } });
		const measure: Ground["measure"] = (window) => {
			bystander.postMessage(window);
			return new Promise((resolve) => bystander.once("message", resolve));
		};
		const attacks = ATTACKS.filter(({ name }) => name.includes(values.only));
		const isHeld = await holdsAgainst(attacks, { service, upstream, measure });
		await bystander.terminate();
		return isHeld;
	} finally {
		await service.stop();
		upstream.close();
	}
}

/** An attack counts if it hurts twice: a machine that pauses for seconds does so once. */
async function holdsAgainst(attacks: readonly Attack[], ground: Ground): Promise<boolean> {
	await ground.measure({ windowMs: WARM_UP_MS, drainMs: DRAIN_MS });
	const idle = p99Of(await ground.measure({ windowMs: IDLE_MS, drainMs: DRAIN_MS }));
	console.log(line("idle, p99 in ms", (metric) => `${metric} ${idle[metric].toFixed(0)}`));
	let isHeld = true;
	for (const attack of attacks) {
		if (await carryOut(attack, ground, idle)) continue;
		console.log("    once more");
		if (!(await carryOut(attack, ground, idle))) isHeld = false;
	}
	return isHeld;
}

function routesTo(base_url: string): string {
	return JSON.stringify([
		{ match: "shared/*", provider: "openai-compatible", base_url },
		{ match: "simulated/*", provider: "simulated" },
	]);
}

/** Whether the other tenant, and each receiver, got what it must. */
async function carryOut(attack: Attack, { service, upstream, measure }: Ground, idle: Percentiles): Promise<boolean> {
	const attacker = await newCaller(service, "attacker");
	const ending = new AbortController();
	const stage = { service, upstream, attacker, over: ending.signal };
	await attack.prepare?.(stage);
	const [before, startedAt] = [upstream.received(), performance.now()];
	const attacking = attack.run(stage);
	await sleep(LEAD_MS);
	const measured = measure({ windowMs: ATTACK_MS, drainMs: idle.final * RATIO_MAX + 500 });
	await sleep(ATTACK_MS);
	const events = upstream.received() - before;
	const seconds = (performance.now() - startedAt) / 1_000;
	ending.abort();
	const [samples] = await Promise.all([measured, attacking]);
	const admin = `${service.url}/v1/admin/tenants/${attacker.tenantId}`;
	await callForSuccess(admin, { method: "DELETE", token: service.adminToken });

	const attacked = p99Of(samples);
	const ratios = ratiosOf(idle, attacked);
	const isHeld =
		METRICS.every((metric) => ratios[metric] <= RATIO_MAX) &&
		(attack.refusedWith === undefined || attacker.statuses.has(attack.refusedWith)) &&
		events <= (attack.eventsPerSecondMax ?? 0) * seconds + EVENTS_BURST;
	const figures = line(attack.name, (metric) => `${attacked[metric].toFixed(0)} = ${ratios[metric].toFixed(1)} x`);
	const statuses = [...attacker.statuses].map(([status, count]) => `${count} x ${status}`).join(", ");
	const sent = events === 0 ? "" : `; one host got ${(events / seconds).toFixed(1)} events a second`;
	console.log(`${figures}${isHeld ? "" : "  TOO MUCH"}\n    the attacker got ${statuses}${sent}`);
	return isHeld;
}

function line(name: string, cell: (metric: keyof Samples) => string): string {
	return name.padEnd(46) + METRICS.map((metric) => cell(metric).padStart(18)).join("");
}

const isHeld = await main();
if (!isHeld) console.log("FAILED: an attack of one tenant was another's problem, or a receiver's.");
process.exitCode = isHeld ? 0 : 1;
