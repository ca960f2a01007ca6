import { beforeEach, describe, expect, it } from "vitest";
import { StorageUnavailable } from "../../../shared/core/errors.ts";
import { Database, NOW } from "../../../shared/db/database.ts";
import { SimulatedDatabase } from "../../simulation/world/database.ts";
import { type RowChange, SqlEngine } from "../../simulation/world/sql-engine.ts";
import { World } from "../../simulation/world/world.ts";

const engine = new SqlEngine();

describe("the stand-in for D1", () => {
	let world: World;
	let db: Database;
	let changes: RowChange[];

	beforeEach(() => {
		world = new World(1);
		const database = new SimulatedDatabase(world, engine);
		changes = [];
		database.onCommit((committed) => changes.push(...committed));
		db = new Database(database.bindingFor(null), { timer: () => () => undefined });
	});

	const insert = (key: string) => ({
		sql: "INSERT INTO idempotency_keys (tenant_id, key, fingerprint, job_id, expires_at) VALUES ('t', ?1, 'f', 'j', 1)",
		params: [key],
	});
	const count = async () =>
		(await db.all<{ n: number }>("test", { sql: "SELECT count(*) AS n FROM idempotency_keys", params: [] }))[0]?.n;

	it("does all of a batch or nothing of it, and reports only what was committed", async () => {
		await expect(db.transact("test", [insert("a"), insert("a")])).rejects.toThrow("SQLITE_CONSTRAINT");
		expect(await count()).toBe(0);
		expect(changes).toEqual([]);
		await db.transact("test", [insert("a"), insert("b")]);
		expect(changes.map(({ table, id }) => [table, id])).toEqual([
			["idempotency_keys", "a"],
			["idempotency_keys", "b"],
		]);
	});

	it("is empty again for the next seed", async () => {
		await db.all("test", insert("a"));
		new SimulatedDatabase(world, engine);
		expect(await count()).toBe(0);
	});

	it("uses the world's time, to the millisecond", async () => {
		world.jumpDatabaseClock(1_234_567);
		const [row] = await db.all<{ now: number }>("test", { sql: `SELECT ${NOW} AS now`, params: [null] });
		expect(row?.now).toBe(world.now + 1_234_567);
	});

	it.each([
		["more than a hundred parameters", "SELECT ?101", Array.from({ length: 101 }, () => 1)],
		["a number of parameters that is not the statement's", "SELECT ?1, ?2", [1]],
		["a value of more than 2 MB", "SELECT ?1", ["x".repeat(2_000_001)]],
		["a statement that makes no sense", "SELEC 1", []],
	])("refuses %s, as a bug and not as an infrastructure fault", async (_name, sql, params) => {
		const refused = db.all("test", { sql, params });
		await expect(refused).rejects.toThrow("D1_ERROR");
		await expect(refused).rejects.not.toBeInstanceOf(StorageUnavailable);
	});
});
