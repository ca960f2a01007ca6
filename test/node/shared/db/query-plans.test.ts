/**
 * Every statement that the service sends to D1 looks up what it needs: none scans a table that grows. The statements are
 * those that the simulated service sends, and those of the verbs that it does not call.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeAll, describe, expect, it } from "vitest";
import { recordFailure, recordRecovery, returnPermits } from "../../../../shared/db/admission/breakers.ts";
import { readModelStates } from "../../../../shared/db/admission/model-states.ts";
import { releaseParked } from "../../../../shared/db/admission/release.ts";
import { Database } from "../../../../shared/db/database.ts";
import { exhaustParkedDeliveries, skipParkedDeliveries } from "../../../../shared/db/deliveries/end-parked.ts";
import { findDelivery, listDeliveries } from "../../../../shared/db/deliveries/find-deliveries.ts";
import { listDeliveryPage } from "../../../../shared/db/deliveries/list-deliveries.ts";
import { postponeDeliveries } from "../../../../shared/db/deliveries/postpone-deliveries.ts";
import { recoverDeliveries, redeliverJob } from "../../../../shared/db/deliveries/redeliver.ts";
import { deleteEndpoint, listEndpoints, updateEndpoint } from "../../../../shared/db/deliveries/webhook-endpoints.ts";
import { countJobs } from "../../../../shared/db/jobs/count-jobs.ts";
import { filterExisting } from "../../../../shared/db/jobs/filter-existing.ts";
import { listJobs } from "../../../../shared/db/jobs/list-jobs.ts";
import { findSubmission, foreseeSubmissions } from "../../../../shared/db/jobs/submit-jobs.ts";
import { updateMetadata } from "../../../../shared/db/jobs/update-metadata.ts";
import { findApiKey, listApiKeys, noteKeyUse, revokeApiKey } from "../../../../shared/db/tenants/api-keys.ts";
import { listAuditLog, recordAct, recordSignIn } from "../../../../shared/db/tenants/audit-log.ts";
import { listBacklog } from "../../../../shared/db/tenants/backlog.ts";
import { listUsage, listUsedModels } from "../../../../shared/db/tenants/list-usage.ts";
import { countSeals, findSecretsSealedWith, replaceSeals } from "../../../../shared/db/tenants/sealed-secrets.ts";
import {
	findTenant,
	listTenants,
	revealWebhookSecret,
	rotateWebhookSecret,
	updateTenant,
} from "../../../../shared/db/tenants/tenants.ts";
import {
	deleteTenant,
	erasePage,
	findJobsToErase,
	removeErasedTenants,
} from "../../../../shared/db/upkeep/delete-tenant.ts";
import { eraseJob, removeTombstones } from "../../../../shared/db/upkeep/erase-jobs.ts";
import { readStatus } from "../../../../shared/db/upkeep/read-status.ts";
import { simulate } from "../../../simulation/simulate.ts";
import { SqlEngine } from "../../../simulation/world/sql-engine.ts";
import { ANY_JOB } from "../../../support/job-of.ts";
import { QueryPlan } from "../../../support/query-plan.ts";
import { factsOf } from "../../../support/source-syntax.ts";
import { CALLS } from "../../../workerd/faults/catalogue.ts";

/** Of a few rows, however long the service runs. */
const SMALL_TABLES = ["sweeper_notes"];

/** Scans to mend, each with the bound that it has until then. */
const KNOWN: Readonly<Record<string, string>> = {
	"prune breakers: SCAN breakers": "as many as calls of a tenant to an upstream failed within two minutes",
	"prune receiver breakers: SCAN receiver_breakers": "as many as receivers in trouble",
};

/** Sorts of what a range of a table has, each with the bound of that range. */
const SORTED: Readonly<Record<string, string>> = {
	"count jobs: SEARCH breakers USING PRIMARY KEY (key>? AND key<?)": "LIMIT: 150 breakers",
	"find jobs to sweep: SEARCH jobs USING COVERING INDEX jobs_to_sweep ((sweep_at,tenant_id,id)>(?,?,?) AND sweep_at<?)":
		"LIMIT: a window of a sweep",
	"find pending deliveries: SEARCH tenants USING COVERING INDEX tenants_deleted (deleted_at>?)":
		"not sorted: a list of the tenants deleted within the hour",
	"lease jobs: SEARCH tenants USING COVERING INDEX tenants_deleted (deleted_at>?)":
		"not sorted: a list of the tenants deleted within the hour",
	"list deliveries: SEARCH deliveries USING INDEX deliveries_failed (tenant_id=? AND id<?)":
		"LIMIT: 500 deliveries, each an entry of the index and a row",
	"list deliveries: SEARCH deliveries USING INDEX deliveries_failed (tenant_id=?)":
		"LIMIT: 500 deliveries, each an entry of the index and a row",
	"list deliveries: SEARCH deliveries USING INDEX deliveries_failed_of_endpoint (tenant_id=? AND endpoint_id=? AND created_at>? AND (created_at,id)<(?,?))":
		"LIMIT: 500 deliveries, each an entry of the index and a row",
	"list deliveries: SEARCH deliveries USING INDEX deliveries_failed_of_endpoint (tenant_id=? AND endpoint_id=? AND created_at>?)":
		"LIMIT: 500 deliveries, each an entry of the index and a row",
	"list deliveries: SEARCH deliveries USING INDEX deliveries_of_endpoint (tenant_id=? AND endpoint_id=? AND created_at>? AND (created_at,id)<(?,?))":
		"LIMIT: 500 deliveries, each an entry of the index and a row",
	"list deliveries: SEARCH deliveries USING INDEX deliveries_of_endpoint (tenant_id=? AND endpoint_id=? AND created_at>?)":
		"LIMIT: 500 deliveries, each an entry of the index and a row",
	"list deliveries: SEARCH deliveries USING PRIMARY KEY (tenant_id=? AND id<?)": "LIMIT: 1,000 deliveries",
	"list deliveries: SEARCH deliveries USING PRIMARY KEY (tenant_id=?)": "LIMIT: 1,000 deliveries",
	"list deliveries of job: SEARCH deliveries USING PRIMARY KEY (tenant_id=? AND id>? AND id<?)":
		"a few events of a job, for 21 receivers at most",
	"list jobs: SEARCH jobs USING INDEX jobs_failed (tenant_id=? AND id>? AND id<?)": "LIMIT: 1,000 jobs that failed",
	"list jobs: SEARCH jobs USING PRIMARY KEY (tenant_id=? AND id>? AND id<?)": "LIMIT: 1,000 jobs, fewer with filters",
	"read open work: SEARCH deliveries USING COVERING INDEX deliveries_to_sweep (sweep_at>?)": "LIMIT: 900 deliveries",
	"read open work: SEARCH jobs USING INDEX jobs_to_sweep (sweep_at>?)": "LIMIT: 4,000 jobs",
	"release parked: SEARCH jobs USING COVERING INDEX jobs_parked (parked_on=? AND tenant_id<?)":
		"LIMIT: a tenant for each job that is released",
	"release parked: SEARCH jobs USING COVERING INDEX jobs_parked (parked_on=? AND tenant_id>?)":
		"LIMIT: a tenant for each job that is released",
	"revoke api key: SEARCH api_keys USING COVERING INDEX api_keys_by_maker (made_by=?)": "50 keys in force of a tenant",
};

/** Statements that read by the tenant alone, each with what stops them. */
const STOPPED: Readonly<Record<string, string>> = {
	"erase page of tenant": "LIMIT: a page",
	"find erased tenants": "EXISTS",
	"find jobs to erase": "LIMIT: a page",
	"find tenants to erase": "EXISTS",
	"list audit log": "LIMIT: a page",
	"list deliveries": "LIMIT: a page, or 1,000 deliveries",
	"record sign-in": "LIMIT: 100 entries",
	"remove erased tenants": "EXISTS",
};
/** Of which a tenant has 20 at most. */
const FEW_OF_A_TENANT = /^SEARCH (webhook_endpoints|endpoint) /;

const SEEDS = 10;
/** Some seconds on a machine that does nothing else. */
const FILL_MS_MAX = 120_000;
const ROWS = 100_000;
const VERBS = join(import.meta.dirname, "../../../../shared/db");
const MIGRATIONS = join(import.meta.dirname, "../../../../migrations");

const sqlite = new DatabaseSync(":memory:");
const growing = new Map<string, number>();
/** By name of the call. */
const sent = new Map<string, Set<string>>();

function record(sql: string): void {
	const name = /^\/\* (.+?) \*\//.exec(sql)?.[1];
	if (name === undefined || name === "test") return;
	const known = sent.get(name) ?? new Set();
	sent.set(name, known.add(sql));
}

beforeAll(async () => {
	fill();
	await recordSimulation();
	await callRest();
}, FILL_MS_MAX);

/** `ROWS` jobs of a thousand tenants, a third each queued, parked and final, and what hangs on them. */
function fill(): void {
	for (const file of readdirSync(MIGRATIONS).sort()) sqlite.exec(readFileSync(join(MIGRATIONS, file), "utf8"));
	const tables = sqlite
		.prepare(
			`SELECT name, (SELECT count(*) FROM pragma_table_info(sqlite_schema.name) WHERE pk > 0) AS key_columns FROM sqlite_schema
			  WHERE type = 'table' AND name NOT IN (SELECT value FROM json_each(?1))`,
		)
		.all(JSON.stringify(SMALL_TABLES));
	for (const { name, key_columns: columns } of tables) growing.set(String(name), Number(columns));
	const numbers = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS})`;
	const tenant = "'ten_' || (i % 1000)";
	sqlite.exec(`
		${numbers} INSERT INTO tenants (id, name, limits, webhook_secret, created_at)
		SELECT ${tenant}, '', '{}', 'v1.', 0 FROM n WHERE i <= 1000;
		${numbers} INSERT INTO jobs (tenant_id, id, status, models, model, credential, input, input_bytes, priority, timeout_ms,
		                             max_attempts, retain_ms, origin, created_at, deadline_ms, deadline_at, run_at, parked_on,
		                             sweep_at, finished_at, prune_at, cancellation)
		SELECT ${tenant}, 'job_' || i, iif(i % 3, 'queued', 'cancelled'), '[]', 'm', 'c', '', 0, 5, 1, 1, 1, '', 0, 1, 1, i,
		       iif(i % 3 = 1, 'model:c|m', NULL), iif(i % 3, i, NULL), iif(i % 3, NULL, i), iif(i % 3, NULL, i),
		       iif(i % 3, NULL, 'before_start') FROM n;
		${numbers} INSERT INTO deliveries (tenant_id, id, job_id, event_id, event_type, url, payload, status, created_at,
		                                   next_attempt_at, sweep_at)
		SELECT ${tenant}, 'dlv_' || i, 'job_' || i, '', '', 'https://a/', 'full', 'pending', i, i, i FROM n;
		${numbers} INSERT INTO tombstones (delete_at, id, keys) SELECT i, i, '[]' FROM n WHERE i <= 1000;
		${numbers} INSERT INTO usage SELECT ${tenant}, i / 1000, 'm', 1, 1, 1, 1, 1, 0 FROM n;
		${numbers} INSERT INTO backlog SELECT ${tenant}, iif(i % 2, 1, 60), i / 1000, i, 1, 0, 0, 0, 0, 0, NULL FROM n;
		${numbers} INSERT INTO usage_hours (tenant_id, hour, model) SELECT ${tenant}, i / 1000, 'm' FROM n`);
}

async function recordSimulation(): Promise<void> {
	const { run } = SqlEngine.prototype;
	SqlEngine.prototype.run = function (queries) {
		for (const { sql } of queries) record(sql);
		return run.call(this, queries);
	};
	try {
		for (let seed = 1; seed <= SEEDS; seed++) await simulate(seed);
	} finally {
		SqlEngine.prototype.run = run;
	}
}

const NO_ENDS = { succeeded: 0, failed: 0, cancelled: 0, expired: 0, today: 0, succeeded_today: 0, hours: 0 };

/** Finds nothing but the sum of nothing, and changes nothing. */
const EMPTY = {
	prepare: (sql: string) => {
		record(sql);
		const isSum = sql.includes("AS succeeded_today");
		const statement = { isSum, bind: () => statement, all: async () => ({ results: [] }) };
		return statement;
	},
	batch: async (statements: { isSum: boolean }[]) =>
		statements.map(({ isSum }) => ({ results: isSum ? [NO_ENDS] : [] })),
} as unknown as D1Database;

const BY = { actor: "key", requestId: "req" };
/** Here no statement finds a row, so no key is in force. */
const noKey = () => undefined;
const T = "ten_1";
const ENDPOINT = { tenantId: T, endpointId: "ep" };
const PAGES = [true, false].flatMap((isAscending) => [null, "x"].map((after) => ({ limit: 1, after, isAscending })));

/** The verbs that no seed calls, and those with more than one statement. */
async function callRest(): Promise<void> {
	const db = new Database(EMPTY, { timer: () => () => undefined });
	for (const page of PAGES) {
		await listApiKeys(db, T, page);
		await listAuditLog(db, T, page);
		await listEndpoints(db, T, page);
		for (const endpointId of [null, "ep"]) {
			for (const statuses of [null, ["skipped" as const], ["pending" as const]]) {
				const filter = { endpointId, statuses, eventType: null, createdAfter: statuses && 1 };
				await listDeliveryPage(db, { ...page, tenantId: T, filter });
			}
		}
		await listTenants(db, 1, page.after);
		for (const model of [null, "m"]) {
			const statuses = model === null ? ["failed" as const] : null;
			const filter = { ...ANY_JOB, statuses, model, createdAfter: 1, createdBefore: 1, metadata: { a: "b" } };
			await listJobs(db, {
				tenantId: T,
				filter,
				limit: 1,
				after: page.after,
				order: page.isAscending ? "asc" : "desc",
			});
		}
		for (const hoursOfUnit of [1, 24] as const) {
			const after = page.after === null ? null : { date: "2026-01-01", model: "m" };
			await listUsage(db, { ...page, tenantId: T, from: null, to: null, after, rowsMax: null, hoursOfUnit });
		}
	}
	await countJobs(db, T);
	await listUsedModels(db, T);
	await listBacklog(db, { tenantId: T, minutes: 1, since: null, agoMs: 1, limit: 1 });
	await readModelStates(db, T, ["model:c|m"]);
	await findApiKey(db, T, "key");
	await noteKeyUse(db, "key");
	await revokeApiKey(db, "key", T, BY);
	await recordAct(db, BY, { action: "endpoint.tested", tenantId: T, target: "x" });
	await recordSignIn(db, { keyId: "key", tenantId: T }, "req").catch(noKey);
	await countSeals(db, { currentKeyId: "a", previousKeyId: "b" });
	await findSecretsSealedWith(db, "a", { limit: 1, after: null });
	await replaceSeals(db, [{ place: 0, tenantId: T, endpointId: null, sealed: "a", resealed: "b" }]);
	await findTenant(db, T);
	await revealWebhookSecret(db, T, BY).catch(noKey);
	await rotateWebhookSecret(db, T, { sealedSecret: "a", keepOldMs: 0 }, BY).catch(noKey);
	await updateMetadata(db, { tenantId: T, jobId: "job", door: "chat" }, { a: "b" });
	await updateTenant(
		db,
		T,
		{ name: "n", limits: { open_jobs: 1, running_jobs: 1, tokens_per_day: 1, stored_bytes: 1 } },
		BY,
	);
	await deleteTenant(db, T, BY);
	await findJobsToErase(db, T, 1);
	await erasePage(db, { tenantId: T, jobs: [{ tenantId: T, jobId: "job" }], limit: 1 }, "tmb");
	await removeErasedTenants(db, [T]);
	await filterExisting(db, [{ tenantId: T, jobId: "job" }]);
	await foreseeSubmissions(db, [{ tenantId: T, jobId: "job", idempotency: { key: "k", fingerprint: "f" } }]);
	await eraseJob(db, { tenantId: T, jobId: "job" }, "tmb", BY);
	await findDelivery(db, { tenantId: T, deliveryId: "dlv" });
	await listDeliveries(db, { tenantId: T, jobId: "job" });
	await deleteEndpoint(db, ENDPOINT, BY);
	await findSubmission(db, T, { key: "k", fingerprint: "f" });
	await readStatus(db).catch(() => undefined);
	await exhaustParkedDeliveries(db, [{ tenantId: T, deliveryId: "dlv" }]);
	await skipParkedDeliveries(db, "receiver", 1);
	await postponeDeliveries(
		db,
		[{ tenantId: T, deliveryId: "dlv", attemptsMade: 0, until: { turnAt: `${T} host:h` } }],
		1,
	);
	await redeliverJob(db, { tenantId: T, jobId: "job" }, BY);
	await updateEndpoint(db, ENDPOINT, { name: "n", url: null, payload: null, eventTypes: null }, BY).catch(noKey);
	await recoverDeliveries(db, ENDPOINT, { sinceMs: 0, limit: 1 }, BY);
	await recordFailure(db, { kind: "failure", key: "own:t|model:c|m", sharedKey: "model:c|m", leasedAt: 1 });
	await recordRecovery(db, ["model:c|m"], 1);
	await returnPermits(db, ["model:c|m"], 1, true);
	await releaseParked(db, ["model:c|m"], 1);
	await removeTombstones(db, [{ deleteAt: 1, id: "tmb", keys: [], erasedJob: null }]);
}

/** What `read` finds in the plans of all statements, each with the statement's name. */
function foundIn(read: (plan: QueryPlan) => string[]): string[] {
	const found = [...sent].flatMap(([name, statements]) =>
		[...statements].flatMap((sql) => read(planOf(sql)).map((detail) => `${name}: ${detail}`)),
	);
	return [...new Set(found)].sort();
}

const planOf = (sql: string) => new QueryPlan(sqlite, sql, growing);

describe("the statements of the service", () => {
	it("are recorded under every name that the catalogue of calls has", () => {
		const names = Object.values(CALLS).flatMap((calls) => [...calls].filter((name) => name.startsWith("d1 ")));
		expect([...sent.keys()].sort()).toEqual([...new Set(names.map((name) => name.slice("d1 ".length)))].sort());
	});

	it("have among them each piece of SQL of the verbs, whatever it depends on", () => {
		const flat = (text: string) => text.replaceAll(/\s+/g, " ").trim();
		const statements = [...sent.values()].flatMap((variants) => [...variants].map(flat));
		const files = readdirSync(VERBS, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
		const missing = files.flatMap((file) =>
			factsOf(readFileSync(join(VERBS, file), "utf8"))
				.strings.filter(({ what }) => /\b[A-Z]{2,}\b|[=<>]/.test(what))
				.filter(({ what }) => !statements.some((sql) => sql.includes(flat(what))))
				.map(({ what, line }) => `${file}:${line}: ${flat(what)}`),
		);
		expect(missing).toEqual([]);
	});

	it("scan no table that grows", () => {
		expect(foundIn(({ scans }) => scans)).toEqual(Object.keys(KNOWN).sort());
	});

	it("sort no more rows than their own batch", () => {
		expect(foundIn(({ sorts }) => sorts)).toEqual(Object.keys(SORTED).sort());
	});

	it("read no tenant's rows to their end", () => {
		const found = foundIn((plan) => plan.readsOfTenants.filter((detail) => !FEW_OF_A_TENANT.test(detail)));
		expect([...new Set(found.map((one) => one.split(":")[0]))]).toEqual(Object.keys(STOPPED).sort());
	});

	it("are planned as D1 plans them: without statistics of the tables", () => {
		expect(sqlite.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name LIKE 'sqlite_stat%'").get()).toEqual({
			n: 0,
		});
		expect(sqlite.prepare("SELECT count(*) AS n FROM jobs").get()).toEqual({ n: ROWS });
	});
});

describe("the statements of the triggers", () => {
	const triggers = () =>
		sqlite.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").all() as {
			name: string;
			sql: string;
		}[];

	it("scan no table that grows", () => {
		const scans = triggers().flatMap(({ name, sql }) => {
			const [, condition = "1", body = ""] = /^CREATE TRIGGER .*?(?: WHEN (.*?))? BEGIN (.*) END$/s.exec(sql) ?? [];
			const statements = [`SELECT ${condition}`, ...body.split(";").filter((part) => part.trim() !== "")];
			const standalone = statements.map((one) =>
				one.replace(/RAISE\([^)]*\)/g, "NULL").replace(/\b(NEW|OLD)\.\w+/g, "?"),
			);
			return standalone.flatMap((one) => planOf(one).scans.map((detail) => `${name}: ${detail}`));
		});
		expect(triggers().length).toBeGreaterThan(3);
		expect(scans).toEqual([]);
	});
});

describe("a scan", () => {
	it.each([
		["SELECT * FROM jobs WHERE model = ?1", "SCAN jobs"],
		["SELECT * FROM tombstones AS erased WHERE erased.keys LIKE ?1", "SCAN erased"],
	])("is seen in %s", (sql, detail) => {
		expect(planOf(sql).scans).toEqual([detail]);
	});
});

describe("a sort", () => {
	const BY_TENANT = "SEARCH jobs USING PRIMARY KEY (tenant_id=?)";
	it.each([
		["SELECT id FROM jobs WHERE tenant_id = ?1 ORDER BY run_at LIMIT 1", [BY_TENANT]],
		[
			"WITH own AS MATERIALIZED (SELECT * FROM jobs WHERE tenant_id = ?1) SELECT id FROM own ORDER BY run_at",
			[BY_TENANT],
		],
		["SELECT id FROM jobs WHERE tenant_id = ?1 ORDER BY id", []],
		["SELECT id FROM jobs WHERE (tenant_id, id) IN (SELECT ?1, value FROM json_each(?2)) ORDER BY run_at", []],
	])("takes its rows in %s", (sql, reads) => {
		expect(planOf(sql).sorts).toEqual(reads);
	});
});
