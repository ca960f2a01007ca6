/** The Workers that are measured side by side, each started on the same engine and spoken to in its own words. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { buildDashboard } from "../../scripts/lib/dashboard.ts";
import { developmentKey } from "../../scripts/lib/development-key.ts";
import { formatEnvFile, randomSecrets } from "../../scripts/lib/env-file.ts";
import { localConfig, localSettings } from "../../scripts/lib/local-config.ts";
import { applyMigrations, readProductionConfig } from "../../scripts/lib/run-wrangler.ts";
import { tickSweeper } from "../../scripts/lib/sweeper-tick.ts";
import { freePort } from "../support/ports.ts";
import { BARE_TABLE } from "./bare-table.ts";
import { type Engine, ROOT, startEngine } from "./engine.ts";
import type { Ledger } from "./ledger.ts";
import { SCHEMA } from "./peers/straightforward/schema.ts";
import type { Upstreams } from "./upstreams.ts";

/** What is measured, whatever it runs on. */
export interface System {
	name: string;
	/** The request that submits a job whose prompt and receiver bear `tag`. */
	submission(tag: string): { url: string; init: RequestInit };
	/**
	 * Resolves when no job has anything left to do, also of what comes after its webhook, with all that the platform's parts
	 * were asked for until then. Null: it runs on servers of its own, which are not billed by the count.
	 */
	atRest(): Promise<Ledger | null>;
	/** CPU spent so far by all that it consists of. */
	cpuMs(): number;
	stop(): Promise<void>;
}

/** On the local engine, which can be inspected beyond what every system reports. */
export interface WorkerSystem extends System {
	engine: Engine;
}

/** As cron redispatches in production. */
const SWEEP_SECONDS = 60;
const PROMPT = "Say in two sentences what a job service has to promise to those who hand it paid work.";

const COMPATIBILITY_DATE = "2026-10-20";
/** The file that a peer is entered by: behind counting bindings, or as it is. */
type Entry = "counted" | "plain";

/** As `npm start` has them: the local broker runs one batch of a queue at a time. */
const CONSUMER = { max_batch_size: 100, max_batch_timeout: 0, max_retries: 100, retry_delay: 60 };

export async function startHoldfast(upstreams: Upstreams, scratch: string): Promise<WorkerSystem> {
	const stateDir = join(scratch, "holdfast");
	const place = { root: ROOT, stateDir };
	const port = await freePort();
	const url = `http://127.0.0.1:${port}`;
	const [production] = await Promise.all([readProductionConfig(place), applyMigrations(place), buildDashboard(ROOT)]);
	const secrets = randomSecrets();
	const { LOG_LEVEL = "info" } = production.vars ?? {};
	const environment = { MODEL_ROUTES: modelRoutesTo(upstreams), DEFAULT_MODEL: "bench/model", LOG_LEVEL };
	const { vars } = localSettings({ production, url, file: secrets, environment });
	const config = {
		...localConfig(production, ROOT, { vars, hasRateLimits: false }),
		main: join(ROOT, "test/bench/worker.ts"),
	};
	const engine = await startEngine({ stateDir, config, port, secrets: formatEnvFile(secrets), healthPath: "/healthz" });
	const key = await developmentKey(url, secrets.ADMIN_TOKEN, stateDir);
	const stopTicking = tickSweeper(url, SWEEP_SECONDS, () => undefined);
	const headers = { authorization: `Bearer ${key}` };
	const system = onEngine("holdfast", engine, submissionTo(`${url}/v1/jobs`, upstreams, headers));
	return {
		...system,
		async stop() {
			stopTicking();
			await system.stop();
		},
	};
}

export function modelRoutesTo({ modelUrl }: Upstreams): string {
	return JSON.stringify([{ match: "*", provider: "openai-compatible", base_url: modelUrl }]);
}

export async function startStraightforward(
	upstreams: Upstreams,
	scratch: string,
	entry: Entry = "counted",
): Promise<WorkerSystem> {
	const stateDir = join(scratch, `straightforward-${entry}`);
	const queues = ["jobs", "deliveries"];
	const engine = await startEngine({
		stateDir,
		config: {
			...workerNamed("straightforward", entry, upstreams),
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
	return onEngine("straightforward", engine, submissionTo(`${engine.url}/jobs`, upstreams));
}

export async function startWorkflows(
	upstreams: Upstreams,
	scratch: string,
	entry: Entry = "counted",
): Promise<WorkerSystem> {
	const engine = await startEngine({
		stateDir: join(scratch, `workflows-${entry}`),
		config: {
			...workerNamed("workflows", entry, upstreams),
			workflows: [{ name: "jobs", binding: "JOBS", class_name: "JobWorkflow" }],
		},
	});
	return onEngine("workflows", engine, submissionTo(`${engine.url}/jobs`, upstreams));
}

function workerNamed(name: string, entry: Entry, { modelUrl }: Upstreams) {
	return {
		name,
		main: join(ROOT, `test/bench/peers/${name}/${entry}.ts`),
		compatibility_date: COMPATIBILITY_DATE,
		vars: { MODEL_URL: modelUrl },
		r2_buckets: [{ binding: "RESULTS", bucket_name: "results" }],
	};
}

function onEngine(name: string, engine: Engine, submission: System["submission"]): WorkerSystem {
	return {
		name,
		engine,
		submission,
		atRest: engine.quietLedger,
		cpuMs: engine.cpuMs,
		async stop() {
			await engine.stop();
			rmSync(engine.stateDir, { recursive: true, force: true });
		},
	};
}

/** Only the insert, in the same process and the same database as `system`. */
export async function bareInsert({ engine }: WorkerSystem, upstreams: Upstreams): Promise<System["submission"]> {
	await engine.sql(BARE_TABLE);
	return submissionTo(`${engine.url}/bench/insert`, upstreams);
}

/** The same job for all: what they make of it is their own. */
export function submissionTo(
	url: string,
	{ hookUrl }: Upstreams,
	headers: Record<string, string> = {},
): System["submission"] {
	const init = { method: "POST", headers: { "content-type": "application/json", ...headers } };
	return (tag) => {
		const input = { messages: [{ role: "user", content: `${tag} ${PROMPT}` }] };
		const webhook = { url: `${hookUrl}/${tag}` };
		return { url, init: { ...init, body: JSON.stringify({ input, webhook }) } };
	};
}
