/** The systems that are measured side by side, each started on the same engine and spoken to in its own words. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { developmentKey } from "../../scripts/lib/development-key.ts";
import { formatEnvFile, randomSecrets } from "../../scripts/lib/env-file.ts";
import { localConfig, localSettings } from "../../scripts/lib/local-config.ts";
import { applyMigrations, readProductionConfig } from "../../scripts/lib/run-wrangler.ts";
import { tickSweeper } from "../../scripts/lib/sweeper-tick.ts";
import { freePort } from "../support/ports.ts";
import { BARE_TABLE } from "./bare-table.ts";
import { type Engine, ROOT, startEngine } from "./engine.ts";
import { SCHEMA } from "./peers/straightforward/schema.ts";
import type { Upstreams } from "./upstreams.ts";

export interface System {
	name: string;
	engine: Engine;
	/** The request that submits a job whose prompt and receiver bear `tag`. */
	submission(tag: string): { url: string; init: RequestInit };
	stop(): Promise<void>;
}

/** As cron rings in production. */
const SWEEP_SECONDS = 60;
const PROMPT = "Say in two sentences what a job service has to promise to those who hand it paid work.";

const COMPATIBILITY_DATE = "2026-10-20";
/** As `npm start` has them: the local broker runs one batch of a queue at a time. */
const CONSUMER = { max_batch_size: 100, max_batch_timeout: 0, max_retries: 100, retry_delay: 60 };

export async function startHoldfast(upstreams: Upstreams, scratch: string): Promise<System> {
	const stateDir = join(scratch, "holdfast");
	const place = { root: ROOT, stateDir };
	const port = await freePort();
	const url = `http://127.0.0.1:${port}`;
	const [production] = await Promise.all([readProductionConfig(place), applyMigrations(place)]);
	const routes = [{ match: "*", provider: "openai-compatible", base_url: upstreams.modelUrl }];
	const secrets = randomSecrets();
	const environment = { MODEL_ROUTES: JSON.stringify(routes), DEFAULT_MODEL: "bench/model" };
	const { vars } = localSettings({ production, url, file: secrets, environment });
	const config = { ...localConfig(production, ROOT, vars), main: join(ROOT, "test/bench/worker.ts") };
	const engine = await startEngine({ stateDir, config, port, secrets: formatEnvFile(secrets), healthPath: "/healthz" });
	const key = await developmentKey(url, secrets.ADMIN_TOKEN, stateDir);
	const stopTicking = tickSweeper(url, SWEEP_SECONDS, () => undefined);
	return {
		name: "holdfast",
		engine,
		submission: (tag) => post(`${url}/v1/jobs`, jobFor(upstreams, tag), { authorization: `Bearer ${key}` }),
		async stop() {
			stopTicking();
			await engine.stop();
			rmSync(stateDir, { recursive: true, force: true });
		},
	};
}

export async function startStraightforward(upstreams: Upstreams, scratch: string): Promise<System> {
	const stateDir = join(scratch, "straightforward");
	const queues = ["jobs", "deliveries"];
	const engine = await startEngine({
		stateDir,
		config: {
			...workerNamed("straightforward", upstreams),
			d1_databases: [{ binding: "DB", database_name: "straightforward" }],
			queues: {
				producers: [
					{ binding: "JOB_QUEUE", queue: "jobs" },
					{ binding: "DELIVERY_QUEUE", queue: "deliveries" },
				],
				consumers: queues.map((queue) => ({ queue, ...CONSUMER })),
			},
		},
	});
	for (const sql of SCHEMA) await engine.sql(sql);
	return peer("straightforward", engine, upstreams);
}

export async function startWorkflows(upstreams: Upstreams, scratch: string): Promise<System> {
	const engine = await startEngine({
		stateDir: join(scratch, "workflows"),
		config: {
			...workerNamed("workflows", upstreams),
			workflows: [{ name: "jobs", binding: "JOBS", class_name: "CountedJobWorkflow" }],
		},
	});
	return peer("workflows", engine, upstreams);
}

function workerNamed(name: string, { modelUrl }: Upstreams) {
	return {
		name,
		main: join(ROOT, `test/bench/peers/${name}/counted.ts`),
		compatibility_date: COMPATIBILITY_DATE,
		vars: { MODEL_URL: modelUrl },
		r2_buckets: [{ binding: "RESULTS", bucket_name: "results" }],
	};
}

function peer(name: string, engine: Engine, upstreams: Upstreams): System {
	return {
		name,
		engine,
		submission: (tag) => post(`${engine.url}/jobs`, jobFor(upstreams, tag), {}),
		async stop() {
			await engine.stop();
			rmSync(engine.stateDir, { recursive: true, force: true });
		},
	};
}

/** Only the insert, in the same process and the same database as `system`. */
export async function bareInsert({ engine }: System, upstreams: Upstreams): Promise<System["submission"]> {
	await engine.sql(BARE_TABLE);
	return (tag) => post(`${engine.url}/bench/insert`, jobFor(upstreams, tag), {});
}

/** The same for all: what they make of it is their own. */
function jobFor({ hookUrl }: Upstreams, tag: string): object {
	return {
		input: { messages: [{ role: "user", content: `${tag} ${PROMPT}` }] },
		webhook: { url: `${hookUrl}/${tag}` },
	};
}

function post(url: string, body: object, headers: Record<string, string>) {
	return {
		url,
		init: { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) },
	};
}
