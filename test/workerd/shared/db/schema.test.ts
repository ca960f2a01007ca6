import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { StorageUnavailable } from "../../../../shared/core/errors.ts";
import { CANCELLATIONS } from "../../../../shared/core/jobs/job.ts";
import { FINAL_STATES, JOB_STATES } from "../../../../shared/core/jobs/job-states.ts";
import { DELIVERY_STATES } from "../../../../shared/core/webhooks/delivery.ts";
import { Database } from "../../../../shared/db/database.ts";
import { runtime } from "../../../../workers/runtime.ts";
import { anId, jobOf, NOW } from "../../../support/job-of.ts";
import { aDelivery, aJob, databaseAt, db, deliveryOf, deliveryRowOf, insertRow, rowOf } from "../../support/a-job.ts";
import { watchedD1 } from "../../support/watched-d1.ts";

/** The words in `column IN ('…', …)` of the table as SQLite has it. */
async function wordsOf(table: string, constraint: string, column: string): Promise<string[]> {
	const { sql } = (await env.DB.prepare("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?1")
		.bind(table)
		.first<{ sql: string }>()) ?? { sql: "" };
	const definition = sql.slice(sql.indexOf(`CONSTRAINT ${constraint} `));
	const [, list = ""] = new RegExp(`${column} IN \\(([^)]*)\\)`).exec(definition) ?? [];
	return list.split(",").map((word) => word.trim().replaceAll("'", ""));
}

describe("states in SQL and in code", () => {
	it("are the same for jobs", async () => {
		expect(await wordsOf("jobs", "status_is_known", "status")).toEqual([...JOB_STATES]);
		expect(await wordsOf("jobs", "finished_exactly_when_final", "status")).toEqual([...FINAL_STATES]);
		expect(await wordsOf("jobs", "cancellation_is_known", "cancellation")).toEqual([...CANCELLATIONS]);
	});

	it("are the same for deliveries", async () => {
		expect(await wordsOf("deliveries", "status_is_known", "status")).toEqual([...DELIVERY_STATES]);
	});

	it.each(JOB_STATES)("let a job be %s", async (status) => {
		await aJob({ status });
	});

	it.each(DELIVERY_STATES)("let a delivery be %s", async (status) => {
		await aDelivery(jobOf(), { status });
	});
});

describe("the table of jobs refuses", () => {
	const queued = () => rowOf(jobOf());
	const running = () => rowOf(jobOf({ status: "running" }));
	const succeeded = () => rowOf(jobOf({ status: "succeeded" }));
	const failed = () => rowOf(jobOf({ status: "failed" }));

	it.each([
		["an unknown state", { ...queued(), status: "done" }, "status_is_known"],
		["an input in two places", { ...queued(), input_key: "inputs/x" }, "input_is_in_one_place"],
		["an input in no place", { ...queued(), input: null }, "input_is_in_one_place"],
		["fewer than no attempts", { ...queued(), attempt: -1 }, "attempts_are_bounded"],
		["more attempts than may be made", { ...queued(), attempt: 7 }, "attempts_are_bounded"],
		["a deadline before it begins", { ...queued(), deadline_at: NOW }, "deadline_follows_start"],
		["a running job without a lease", { ...running(), lease_expires_at: null }, "leased_exactly_while_running"],
		["a lease on a job that waits", { ...queued(), lease_expires_at: NOW }, "leased_exactly_while_running"],
		["a lease on a job that is over", { ...failed(), lease_expires_at: NOW }, "leased_exactly_while_running"],
		["a lease without a holder", { ...running(), holder: null }, "holder_is_known_while_running"],
		["a lease that never began", { ...running(), leased_at: null }, "holder_is_known_while_running"],
		["a lease without a number", { ...running(), fence: 0 }, "holder_is_known_while_running"],
		["parking while it runs", { ...running(), parked_on: "tenant" }, "parked_only_while_queued"],
		["a waiting job that is not swept", { ...queued(), sweep_at: null }, "swept_exactly_until_final"],
		["a running job that is not swept", { ...running(), sweep_at: null }, "swept_exactly_until_final"],
		["sweeping what is over", { ...failed(), sweep_at: NOW }, "swept_exactly_until_final"],
		["an end before the end", { ...queued(), finished_at: NOW, prune_at: NOW }, "finished_exactly_when_final"],
		["a final job without an end", { ...failed(), finished_at: null, prune_at: null }, "finished_exactly_when_final"],
		["pruning what is not over", { ...queued(), prune_at: NOW }, "pruned_only_when_final"],
		["a final job kept for ever", { ...failed(), prune_at: null }, "pruned_only_when_final"],
		["success without a result", { ...succeeded(), result_bytes: null }, "result_exactly_when_succeeded"],
		["a result without success", { ...failed(), result_bytes: 2 }, "result_exactly_when_succeeded"],
		["failure without an error", { ...failed(), error: null }, "error_exactly_when_it_went_wrong"],
		["an error without failure", { ...succeeded(), error: "{}" }, "error_exactly_when_it_went_wrong"],
		[
			"a cancellation of what was not",
			{ ...failed(), cancellation: "in_flight" },
			"cancellation_exactly_when_cancelled",
		],
		[
			"cancelled without saying how",
			{ ...rowOf(jobOf({ status: "cancelled" })), cancellation: null },
			"cancellation_exactly_when_cancelled",
		],
		[
			"an unknown cancellation",
			{ ...rowOf(jobOf({ status: "cancelled" })), cancellation: "too_late" },
			"cancellation_is_known",
		],
		["a priority out of range", { ...queued(), priority: 10 }, "priority BETWEEN"],
		["no time for an attempt", { ...queued(), timeout_ms: 0 }, "timeout_ms > 0"],
		["no attempts at all", { ...queued(), max_attempts: 0 }, "max_attempts > 0"],
		["retention that ends before the end", { ...queued(), retain_ms: -1 }, "retain_ms >= 0"],
		["no time to a final state", { ...queued(), deadline_ms: 0 }, "deadline_ms > 0"],
		["an input of negative size", { ...queued(), input_bytes: -1 }, "input_bytes >= 0"],
		["models that are no list", { ...queued(), models: '"one"' }, "json_type(models)"],
		["a history that is no list", { ...queued(), attempts: "{}" }, "json_type(attempts)"],
		["a webhook that is no JSON", { ...queued(), webhook: "{" }, "json_valid(webhook)"],
		["a gateway that is no JSON", { ...queued(), gateway: "{" }, "json_valid(gateway)"],
		["metadata that are no JSON", { ...queued(), metadata: "{" }, "json_valid(metadata)"],
		["usage that is no JSON", { ...queued(), usage: "{" }, "json_valid(usage)"],
		["an error that is no JSON", { ...failed(), error: "{" }, "json_valid(error)"],
		["a time with a fraction", { ...queued(), run_at: NOW + 0.5 }, "cannot store REAL value in INTEGER column"],
	])("%s", async (_, row, constraint) => {
		await expect(insertRow("jobs", row)).rejects.toThrow(constraint);
	});
});

describe("ids", () => {
	it("are unique within their tenant", async () => {
		const job = await aJob();
		const delivery = await aDelivery(job);
		await expect(insertRow("jobs", rowOf(job))).rejects.toThrow("UNIQUE constraint failed");
		await expect(insertRow("deliveries", deliveryRowOf(delivery))).rejects.toThrow("UNIQUE constraint failed");
		await aJob({ ...job, tenantId: anId("ten") });
	});
});

describe("the table of deliveries refuses", () => {
	const pending = () => deliveryRowOf(deliveryOf(jobOf()));
	const delivered = () => deliveryRowOf(deliveryOf(jobOf(), { status: "delivered" }));

	it.each([
		["an unknown state", { ...pending(), status: "sent" }, "status_is_known"],
		["a pending one without a time", { ...pending(), next_attempt_at: null }, "due_exactly_while_pending"],
		["a settled one with a time", { ...delivered(), next_attempt_at: NOW }, "due_exactly_while_pending"],
		["a pending one that is not swept", { ...pending(), sweep_at: null }, "swept_exactly_while_pending"],
		["sweeping a settled one", { ...delivered(), sweep_at: NOW }, "swept_exactly_while_pending"],
		["an end of what is pending", { ...pending(), finished_at: NOW }, "finished_exactly_when_settled"],
		["a settled one without an end", { ...delivered(), finished_at: null }, "finished_exactly_when_settled"],
		["an unknown payload", { ...pending(), payload: "whole" }, "payload IN"],
		["a history that is no list", { ...pending(), attempts: "{}" }, "json_type(attempts)"],
	])("%s", async (_, row, constraint) => {
		await expect(insertRow("deliveries", row)).rejects.toThrow(constraint);
	});
});

describe("the tables of access refuse", () => {
	const tenant = () => ({ id: anId("ten"), name: "acme", limits: "{}", webhook_secret: "v1", created_at: NOW });
	const key = () => ({
		id: anId("key"),
		tenant_id: anId("ten"),
		name: "ci",
		key_hash: "a".repeat(64),
		scopes: "[]",
		created_at: NOW,
	});

	it.each([
		["limits that are no JSON", "tenants" as const, { ...tenant(), limits: "{" }, "json_valid(limits)"],
		[
			"an old secret that signs for ever",
			"tenants" as const,
			{ ...tenant(), previous_webhook_secret: "v1" },
			"previous_secret_has_an_end",
		],
		["a key that was not hashed", "api_keys" as const, { ...key(), key_hash: "hf_secret" }, "length(key_hash)"],
		["scopes that are no list", "api_keys" as const, { ...key(), scopes: "{}" }, "json_type(scopes)"],
	])("%s", async (_, table, row, constraint) => {
		await expect(insertRow(table, row)).rejects.toThrow(constraint);
	});
});

describe("Database", () => {
	const broken = (message: string) =>
		new Database(
			watchedD1(env.DB, () => {
				throw new Error(message);
			}),
			runtime,
		);
	const ask = { sql: "SELECT 1 AS one", params: [] };

	it.each([
		"D1_ERROR: Network connection lost.",
		"D1_ERROR: D1 DB is overloaded. Requests queued for too long.",
		"D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.",
		"D1_ERROR: Internal error while starting up D1 DB storage caused object to be reset.",
		"D1_ERROR: Your account has exceeded D1's free tier daily row write limit",
	])("takes %j for an infrastructure fault", async (message) => {
		await expect(broken(message).all("test", ask)).rejects.toThrow(StorageUnavailable);
		await expect(broken(message).first("test", ask)).rejects.toThrow(StorageUnavailable);
		await expect(broken(message).transact("test", [ask])).rejects.toThrow(StorageUnavailable);
	});

	it.each([
		["SELECT * FROM nowhere", []],
		["SELECT FROM", []],
		["SELECT ?1", [1, 2]],
		["INSERT INTO sweeper_notes (name) VALUES (?1)", ["last_sweep"]],
		[`SELECT ${"1,".repeat(60_000)}1`, []],
		[`SELECT ${Array.from({ length: 101 }, (_, index) => `?${index + 1}`)}`, Array.from({ length: 101 }, () => 1)],
	])("takes what SQLite refuses for our bug: %.20s", async (sql, params) => {
		const refused = await db.all("test", { sql, params }).catch((error: unknown) => error);
		expect(refused).toBeInstanceOf(Error);
		expect(refused).not.toBeInstanceOf(StorageUnavailable);
	});

	it("writes all of a batch, or nothing", async () => {
		const insert = (name: string | null) => ({
			sql: "INSERT INTO sweeper_notes (name, value, updated_at) VALUES (?1, 'x', 1)",
			params: [name],
		});
		await expect(db.transact("test", [insert("a"), insert(null)])).rejects.toThrow("NOT NULL");
		expect(await db.first("test", { sql: "SELECT 1 FROM sweeper_notes WHERE name = 'a'", params: [] })).toBeNull();
		expect(databaseAt(7).clock()).toBe(7);
	});
});
