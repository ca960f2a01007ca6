/** Where a scenario plays: the whole service in a world of its own time, and what a scenario does to it and reads of it. */

import { newId } from "../../../shared/core/ids.ts";
import { NATIVE } from "../../../shared/core/jobs/job.ts";
import { DEFAULT_SCOPES } from "../../../shared/core/tenants/api-key.ts";
import type { TenantLimits } from "../../../shared/core/tenants/tenant.ts";
import { credentialFor } from "../../../shared/core/upstreams/credentials.ts";
import { Database } from "../../../shared/db/database.ts";
import { finishJobs } from "../../../shared/db/jobs/finish-jobs.ts";
import { type NewJob, submitJobs } from "../../../shared/db/jobs/submit-jobs.ts";
import { begin, type Simulation } from "../simulate.ts";
import type { Tenant } from "../world/client.ts";
import { D1Server, type ServiceTimes } from "../world/d1-server.ts";
import type { Answer } from "../world/http.ts";
import { CALM } from "../world/options.ts";
import type { Row } from "../world/sql-engine.ts";
import { makeTenant } from "../world/tenant.ts";
import { World } from "../world/world.ts";
import { type Figure, holds, type Scenario } from "./scenario.ts";
import { Work } from "./work.ts";

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

const STORED_AT_ONCE = 500;
/** Of every job. */
const PROMPT = "s";

/** A calm world: what goes wrong is what the scenario does. */
const OPTIONS = {
	...CALM,
	jobs: 0,
	tenants: 0,
	faultsMs: 0,
	outages: 0,
	batchMin: 4,
	batchMax: 4,
	connections: 6,
	skewMs: 0,
	beforeMidnightMs: null,
	leaseSeconds: 90,
	deliverySchedule: "0,5,300,1800,7200,18000,36000,50400,72000,86400",
};

const CANCELLED = {
	from: "queued",
	fence: 0,
	status: "cancelled",
	reason: null,
	error: null,
	cancellation: "before_start",
	resultBytes: null,
	progress: null,
} as const;

/** What a stored job has unless the scenario says otherwise. */
export type JobFacts = Partial<Omit<NewJob, "tenantId" | "jobId">> & { model?: string };

export interface PlayOptions {
	/** Keeps the trace's lines. */
	trace?: boolean;
	/** Ends the scenario at the first figure that does not hold, because nothing else is of interest. */
	stopsEarly?: boolean;
}

export class StoppedEarly extends Error {}

export class Stage {
	readonly figures: Figure[] = [];
	readonly simulation: Simulation;
	readonly work: Work;
	/** As the world itself: at once, and without faults. */
	readonly db: Database;

	readonly #stopsEarly: boolean;

	private constructor(simulation: Simulation, stopsEarly: boolean) {
		this.#stopsEarly = stopsEarly;
		const { service, ledger } = simulation;
		this.simulation = simulation;
		this.work = new Work(service, ledger);
		ledger.on("jobs", ({ id }) => simulation.prompts.set(id, PROMPT));
		this.db = new Database(service.database.bindingFor(null), service.invocation("intake").runtime);
	}

	static async open({ options = {} }: Scenario, { trace = false, stopsEarly = false }: PlayOptions): Promise<Stage> {
		const world = new World(1, { overrides: { ...OPTIONS, ...options }, trace });
		return new Stage(await begin(world), stopsEarly);
	}

	get world() {
		return this.simulation.world;
	}

	get service() {
		return this.simulation.service;
	}

	/** Lets time pass. True: `isOver` came true. */
	run(ms: number, isOver?: () => boolean): Promise<boolean> {
		return this.world.run(ms, isOver);
	}

	/** From now on D1 takes its time. */
	serveD1(times: ServiceTimes): D1Server {
		const server = new D1Server(times, () => this.world.now);
		this.service.database.server = server;
		return server;
	}

	async tenant(name: string, limits: Partial<TenantLimits> = {}): Promise<Tenant> {
		const { db, tenantId, secret, keyWith } = await makeTenant(this.service, name, limits);
		const key = await keyWith(DEFAULT_SCOPES);
		await db.all("test", { sql: "UPDATE api_keys SET last_used_at = ?1", params: [Number.MAX_SAFE_INTEGER] });
		const tenant = { tenantId, key, secret };
		this.simulation.tenants.push(tenant);
		return tenant;
	}

	/** Over the API. @param react gets the response; null: none came */
	submit(tenant: Tenant, request: object = {}, react: (answer: Answer) => void = () => undefined): void {
		const body = JSON.stringify({ input: { messages: [{ role: "user", content: PROMPT }] }, ...request });
		this.simulation.http.ask({ method: "POST", path: "/v1/jobs", key: tenant.key, body }, react);
	}

	/** Submits evenly, so many a second, for so long. */
	submitEvenly(tenant: Tenant, aSecond: number, forMs: number, request: object = {}): void {
		const every = SECOND / aSecond;
		for (let at = 0; at < forMs; at += every) this.world.after(at, () => this.submit(tenant, request));
	}

	/**
	 * Stores jobs at once, without HTTP. Returns their ids.
	 * @param count how many of each tenant; those of different tenants alternate
	 * @param enqueue whether those that may run get their messages
	 */
	async store(tenants: readonly Tenant[], count: number, facts: JobFacts = {}, enqueue = true): Promise<string[]> {
		const jobs = Array.from({ length: count }, () => tenants.map((tenant) => this.#job(tenant, facts))).flat();
		for (let at = 0; at < jobs.length; at += STORED_AT_ONCE) {
			const page = jobs.slice(at, at + STORED_AT_ONCE);
			const submissions = await submitJobs(this.db, page);
			for (const [place, { tenantId, jobId }] of page.entries()) {
				const submission = submissions[place];
				if (submission?.outcome !== "created") throw new Error(`a job was not stored: ${submission?.outcome}`);
				const isReady = submission.job.statusReason !== "running_limit" && submission.job.runAt <= this.world.now;
				if (enqueue && isReady) this.service.jobQueue.put({ tenantId, jobId });
			}
		}
		return jobs.map(({ jobId }) => jobId);
	}

	/**
	 * Copies a stored job in one statement. The ledger does not hear of the copies before they change.
	 * @param differing by column the SQL that makes it, from `i`, which counts from 1
	 */
	copy(jobId: string, count: number, differing: Record<string, string>): void {
		const columns = this.service.database
			.look("SELECT name FROM pragma_table_info('jobs')")
			.map(({ name }) => String(name));
		this.service.database.look(
			`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2) INSERT INTO jobs (${columns.join()})
			 SELECT ${columns.map((column) => differing[column] ?? column).join()} FROM n, jobs WHERE id = ?1`,
			jobId,
			count,
		);
	}

	/** Stores jobs that are cancelled at once, and enqueues their deliveries. Returns their ids. */
	async storeEnded({ tenantId }: Tenant, count: number, facts: JobFacts): Promise<string[]> {
		const ids = await this.store([{ tenantId, key: "", secret: "" }], count, facts, false);
		for (let at = 0; at < count; at += STORED_AT_ONCE) {
			const finished = await finishJobs(
				this.db,
				ids.slice(at, at + STORED_AT_ONCE).map((jobId) => ({ ...CANCELLED, tenantId, jobId })),
			);
			for (const delivery of finished.flatMap(({ deliveries }) => deliveries)) this.service.deliveryQueue.put(delivery);
		}
		return ids;
	}

	/** The rows of the tenant's deliveries. */
	deliveriesOf(tenant: Tenant): Row[] {
		return [...this.simulation.ledger.rows("deliveries").values()].filter((row) => row.tenant_id === tenant.tenantId);
	}

	#job({ tenantId }: Tenant, { model = "alpha/one", ...facts }: JobFacts): NewJob {
		const input = JSON.stringify({ messages: [{ role: "user", content: PROMPT }] });
		const models: [string, ...string[]] = facts.models ?? [model];
		return {
			tenantId,
			jobId: newId("job", this.service.invocation("intake").runtime),
			models,
			credential: credentialFor(this.service.config.modelRoutes, models[0]) ?? "",
			input,
			inputKey: null,
			inputBytes: input.length,
			tokensEstimated: 8,
			webhook: null,
			gateway: null,
			metadata: null,
			priority: 5,
			timeoutMs: 10 * MINUTE,
			maxAttempts: 5,
			retainMs: 30 * DAY,
			retryOf: null,
			origin: "https://jobs.sim",
			...NATIVE,
			deadlineMs: DAY,
			start: { delayMs: 0 },
			idempotency: null,
			...facts,
		};
	}

	/** Enqueues the jobs, and whatever leases one dies before its call has a result. Returns those that are leased to the dead. */
	async leaseToDead(tenant: Tenant, jobs: readonly string[]): Promise<string[]> {
		for (const jobId of jobs) this.service.jobQueue.put({ tenantId: tenant.tenantId, jobId });
		this.world.current = { ...this.world.current, deaths: 1 };
		await this.run(2 * SECOND);
		this.world.current = { ...this.world.current, deaths: 0 };
		const rows = this.jobsOf(tenant).filter(({ status }) => status === "running");
		return rows.map(({ id }) => String(id)).filter((id) => jobs.includes(id));
	}

	/** The rows of the tenant's jobs. */
	jobsOf(tenant: Tenant): Row[] {
		return [...this.simulation.ledger.rows("jobs").values()].filter(({ tenant_id }) => tenant_id === tenant.tenantId);
	}

	/** Milliseconds from its submission, or its `run_at`, to its first call, of the job that waited longest. */
	longestWaitMs(jobs: readonly Row[]): number {
		const waits = jobs.map((job) => {
			const since = Number(job.created_at);
			return (this.work.firstCallAt.get(String(job.id)) ?? this.world.now) - since;
		});
		return Math.max(...waits);
	}

	/** A figure to print, and what it must be. */
	expect(what: string, value: number, bounds: { atLeast?: number; atMost?: number } = {}): void {
		const figure = { what, value, ...bounds };
		this.figures.push(figure);
		if (this.#stopsEarly && !holds(figure)) throw new StoppedEarly();
	}
}
