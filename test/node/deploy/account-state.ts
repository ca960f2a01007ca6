/** An account of the stand-in: what it holds, and what was done to it, in order. */
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";

export class ApiError extends Error {
	readonly status: number;
	readonly code: number;

	constructor(status: number, code: number, message: string) {
		super(message);
		this.status = status;
		this.code = code;
	}
}

export const Address = z.object({ enabled: z.boolean(), previews_enabled: z.boolean() });

const Binding = z.looseObject({ name: z.string(), type: z.string(), text: z.string().optional() });
export const Metadata = z.looseObject({
	bindings: z.array(Binding),
	keep_bindings: z.array(z.string()).optional(),
	compatibility_flags: z.array(z.string()).optional(),
	limits: z.looseObject({ cpu_ms: z.number().optional() }).optional(),
	observability: z.looseObject({ redact_query_string: z.boolean().optional() }).optional(),
});
export type Metadata = z.infer<typeof Metadata>;

type Database = { uuid: string; name: string; location: string | null; sqlite: DatabaseSync };
type Consumer = { consumer_id: string; type: string; script: string; settings: object };
type Queue = { queue_id: string; queue_name: string; producers: []; consumers: Consumer[] };
type Address = z.infer<typeof Address>;
/** What of a Worker's settings its upload says. */
type Settings = Pick<Metadata, "compatibility_flags" | "limits" | "observability">;
type Worker = {
	settings: Settings;
	bindings: z.infer<typeof Binding>[];
	secrets: Map<string, string>;
	crons: unknown;
	subdomain: Address;
};

export class AccountState {
	accounts = [{ id: "0123456789abcdef0123456789abcdef", name: "Acme" }];
	isR2Enabled = true;
	plan: "paid" | "free" = "paid";
	hasSubdomain = true;
	/** Messages in each queue. */
	backlog = 0;
	/** Every change, in order. A repetition that changes nothing is none. */
	readonly changes: string[] = [];
	/** The addresses of the dashboard's files. */
	files: string[] = [];
	/** Called after each change; used to interrupt a deployment at it. */
	onChange: (change: string) => void = () => undefined;
	isCutOff = false;
	looks = 0;
	readonly databases = new Map<string, Database>();
	readonly buckets = new Set<string>();
	readonly queues = new Map<string, Queue>();
	readonly workers = new Map<string, Worker>();

	#change(change: string): void {
		this.changes.push(change);
		this.onChange(change);
	}

	database(nameOrId: string) {
		const found = [...this.databases.values()].find(({ name, uuid }) => name === nameOrId || uuid === nameOrId);
		if (found === undefined) throw new ApiError(404, 7404, `The database ${nameOrId} could not be found`);
		return { uuid: found.uuid, name: found.name, version: "production" };
	}

	createDatabase({
		name,
		primary_location_hint: location = null,
	}: {
		name: string;
		primary_location_hint?: string | null | undefined;
	}) {
		if (this.databases.has(name)) throw new ApiError(400, 7502, "A database with that name already exists");
		this.databases.set(name, { uuid: crypto.randomUUID(), name, location, sqlite: new DatabaseSync(":memory:") });
		this.#change(`database ${name}`);
		return this.database(name);
	}

	/** As D1: all statements of a call, or none. */
	query(uuid: string, { sql, params = [] }: { sql: string; params?: (string | number | null)[] | undefined }) {
		const database = [...this.databases.values()].find((one) => one.uuid === uuid);
		if (database === undefined) throw new ApiError(404, 7404, `The database ${uuid} could not be found`);
		const { sqlite, name } = database;
		const before = migrationsIn(sqlite);
		const results = inTransaction(sqlite, sql, params);
		for (const migration of migrationsIn(sqlite).slice(before.length))
			this.#change(`migration ${migration} of ${name}`);
		return [{ success: true, results, meta: { duration: 1, changes: 0, rows_read: 0, rows_written: 0 } }];
	}

	tablesOf(name: string): unknown[] {
		const sqlite = this.databases.get(name)?.sqlite;
		return (sqlite?.prepare("SELECT name FROM sqlite_master").all() ?? []).map((row) => row.name);
	}

	bucket(name: string) {
		if (!this.isR2Enabled) throw new ApiError(403, 10042, "Please enable R2 through the Cloudflare Dashboard.");
		if (!this.buckets.has(name)) throw new ApiError(404, 10006, "The specified bucket does not exist.");
		return { name };
	}

	listBuckets() {
		if (!this.isR2Enabled) throw new ApiError(403, 10042, "Please enable R2 through the Cloudflare Dashboard.");
		return { buckets: [...this.buckets].map((name) => ({ name })) };
	}

	createBucket(name: string) {
		if (!this.isR2Enabled) throw new ApiError(403, 10042, "Please enable R2 through the Cloudflare Dashboard.");
		this.buckets.add(name);
		this.#change(`bucket ${name}`);
		return { name };
	}

	listQueues(names: string[]) {
		return [...this.queues.values()].filter(({ queue_name }) => names.length === 0 || names.includes(queue_name));
	}

	createQueue(name: string) {
		if (this.queues.has(name)) throw new ApiError(409, 11009, "Queue name is taken");
		const queue: Queue = { queue_id: crypto.randomUUID(), queue_name: name, producers: [], consumers: [] };
		this.queues.set(name, queue);
		this.#change(`queue ${name}`);
		return queue;
	}

	queue(id: string): Queue {
		const found = [...this.queues.values()].find(({ queue_id }) => queue_id === id);
		if (found === undefined) throw new ApiError(404, 11000, "Queue not found");
		return found;
	}

	addConsumer(id: string, { script_name, ...settings }: { script_name: string }) {
		const queue = this.queue(id);
		if (queue.consumers.length > 0) throw new ApiError(400, 11004, "Queue already has a consumer.");
		const consumer: Consumer = { consumer_id: crypto.randomUUID(), type: "worker", script: script_name, settings };
		queue.consumers.push(consumer);
		this.#change(`consumer ${script_name} of ${queue.queue_name}`);
		return consumer;
	}

	setConsumer(id: string, { script_name, ...settings }: { script_name: string }) {
		const queue = this.queue(id);
		const [consumer] = queue.consumers;
		if (consumer === undefined) throw new ApiError(404, 11001, "Consumer not found");
		if (JSON.stringify(consumer.settings) !== JSON.stringify(settings)) {
			consumer.settings = settings;
			this.#change(`changed consumer ${script_name} of ${queue.queue_name}`);
		}
		return consumer;
	}

	subdomain() {
		if (!this.hasSubdomain) throw new ApiError(404, 10007, "There is no workers.dev subdomain for this account.");
		return { subdomain: "acme" };
	}

	/** A new address does not respond at once. */
	isReady(path: string): boolean {
		const name = /^\/worker\/([^/]+)\/healthz$/.exec(path)?.[1] ?? "";
		this.looks += 1;
		return this.workers.has(name) && this.looks > 1;
	}

	#worker(name: string): Worker {
		const found = this.workers.get(name);
		if (found === undefined) throw new ApiError(404, 10007, "This Worker does not exist on your account.");
		return found;
	}

	service(name: string) {
		this.#worker(name);
		const script = { tag: name, tags: null, last_deployed_from: "wrangler" };
		return { id: name, default_environment: { environment: "production", script } };
	}

	secretsOf(name: string) {
		return [...this.#worker(name).secrets.keys()].map((secret) => ({ name: secret, type: "secret_text" }));
	}

	deployments(name: string) {
		this.#worker(name);
		return { deployments: [], id: "1" };
	}

	settings(name: string) {
		const { settings, bindings } = this.#worker(name);
		return { ...settings, bindings: bindings.filter(({ type }) => type !== "secret_text") };
	}

	/** As where every file is there from an earlier deployment. */
	beginUpload(manifest: Record<string, unknown>) {
		this.files = Object.keys(manifest);
		return { jwt: "uploaded", buckets: [] };
	}

	upload(name: string, { bindings, compatibility_flags, limits, observability }: Metadata) {
		if (this.plan === "free" && limits?.cpu_ms !== undefined) {
			throw new ApiError(400, 100328, "CPU limits are not available on the free plan. Upgrade to Workers Paid.");
		}
		const known = this.workers.get(name);
		const secrets = new Map(known?.secrets);
		const bound: Worker["bindings"] = [];
		for (const binding of bindings) {
			const before = known?.bindings.find(({ name }) => name === binding.name);
			if (binding.type === "inherit" && before === undefined) {
				throw new ApiError(400, 10057, `inherit binding '${binding.name}' is invalid`);
			}
			bound.push(binding.type === "inherit" ? (before ?? binding) : binding);
			if (binding.type === "secret_text") secrets.set(binding.name, binding.text ?? "");
		}
		this.workers.set(name, {
			crons: null,
			subdomain: { enabled: false, previews_enabled: false },
			...known,
			settings: { compatibility_flags, limits, observability },
			bindings: bound,
			secrets,
		});
		if (known === undefined) this.#change(`worker ${name}`);
		for (const [secret, value] of secrets) {
			if (known?.secrets.get(secret) !== value) this.#change(`secret ${secret} of ${name}`);
		}
		const id = crypto.randomUUID();
		return { id, tag: name, etag: id, deployment_id: id.replaceAll("-", ""), resources: { script: { etag: id } } };
	}

	schedule(name: string, crons: unknown) {
		const worker = this.#worker(name);
		if (JSON.stringify(worker.crons) !== JSON.stringify(crons)) {
			worker.crons = crons;
			this.#change(`cron of ${name}`);
		}
		return { schedules: crons };
	}

	address(name: string) {
		return { subdomain: this.#worker(name).subdomain };
	}

	setAddress(name: string, address: Address) {
		const worker = this.#worker(name);
		if (JSON.stringify(worker.subdomain) !== JSON.stringify(address)) {
			worker.subdomain = address;
			this.#change(`address of ${name}`);
		}
		return address;
	}
}

function migrationsIn(sqlite: DatabaseSync): unknown[] {
	const table = sqlite.prepare("SELECT 1 FROM sqlite_master WHERE name = 'd1_migrations'").get();
	return table === undefined
		? []
		: sqlite
				.prepare("SELECT name FROM d1_migrations ORDER BY id")
				.all()
				.map(({ name }) => name);
}

function inTransaction(sqlite: DatabaseSync, sql: string, params: (string | number | null)[]) {
	try {
		if (/^\s*SELECT/i.test(sql)) return sqlite.prepare(sql).all(...params);
		sqlite.exec(`BEGIN; ${sql}\n; COMMIT;`);
		return [];
	} catch (error) {
		if (sqlite.isTransaction) sqlite.exec("ROLLBACK");
		throw new ApiError(400, 7500, error instanceof Error ? error.message : String(error));
	}
}
