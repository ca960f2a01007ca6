import { describe, expect, it } from "vitest";
import { callSitesOf } from "../../support/call-sites.ts";
import { callSitesIn } from "../../support/source-tree.ts";

/** The wrapper of a binding, the verb that uses it, and the actor that calls the verb. */
const DATABASE = "export class Database { clock = () => null; constructor(d1: D1Database) {} async all(s) {} }";
const VERB = `import type { Database } from "./database.ts";
	export async function findJob(db: Database) { return await db.all({ sql: "SELECT 1", params: [db.clock()] }); }`;
const ACTOR = `import { findJob } from "../../shared/db/find-job.ts";
	export async function poll({ db }: Services) { return await findJob(db); }`;

function sitesOf(files: Record<string, string>) {
	const tree = {
		"shared/db/database.ts": DATABASE,
		"shared/db/find-job.ts": VERB,
		"workers/intake/poll.ts": ACTOR,
		...files,
	};
	return callSitesOf(Object.entries(tree).map(([path, text]) => ({ path, text })));
}

const namesOf = (files: Record<string, string>) => sitesOf(files).map(({ name }) => name);
const POLL = "workers/intake/poll.ts#poll → shared/db/find-job.ts#findJob";

describe("the call sites of a source", () => {
	it("are pairs of who calls a verb and the verb, and belong to the actor who calls", () => {
		expect(sitesOf({})).toEqual([{ name: POLL, actor: "intake", places: 1 }]);
	});

	it("are counted by the expressions that make the call, on either side", () => {
		const twice = VERB.replace("return await", "await db.all({}); return await");
		const actor = ACTOR.replace("return await", "await findJob(db); return await");
		expect(sitesOf({ "shared/db/find-job.ts": twice, "workers/intake/poll.ts": actor })).toMatchObject([{ places: 4 }]);
	});

	it("are found through verbs that call verbs", () => {
		const between =
			'import { findJob } from "./find-job.ts";\nexport const look = async (db: Database) => findJob(db);';
		const actor = ACTOR.replace("find-job.ts", "look.ts").replaceAll("findJob", "look");
		expect(namesOf({ "shared/db/look.ts": between, "workers/intake/poll.ts": actor })).toEqual([POLL]);
	});

	it.each([
		["a binding in a parameter", "async function ask(queue: Queue) { return await queue.metrics(); }"],
		[
			"a wrapped one in a member",
			"interface A { store: Database }\nasync function ask(a: A) { return await a.store.all(); }",
		],
		["one taken out of its holder", "interface A { store: Database }\nconst ask = ({ store }: A) => store.all();"],
		["one by another name", "type Store = Database;\nfunction ask(store: Store) { return store.all(); }"],
		["the network", "function ask({ runtime }: A) { return runtime.fetch(url, {}); }"],
		[
			"a method without a name around it",
			"class Asker { ask(queue: Queue) { return [1].map(() => queue.send({})); } }",
		],
	])("show a call of %s where it stands in an actor's own file", (_, text) => {
		expect(namesOf({ "workers/sweeper/ask.ts": text })).toContain("workers/sweeper/ask.ts#ask");
	});

	it("leave out what is no call to the outside", () => {
		const text =
			"const a = new Map(); a.get(1); headers.delete(b); api.fetch(request); function f(d: Database) { d.clock(); }";
		expect(namesOf({ "workers/sweeper/ask.ts": text })).toEqual([POLL]);
	});

	it("stand alone behind a port, once for each actor whose imports lead there", () => {
		const port = "export async function ask({ runtime }: A) { return await runtime.fetch(url, {}); }";
		const user = 'import { ask } from "../../shared/model/ask.ts";\nconst port = { ask };';
		const files = {
			"shared/model/ask.ts": port,
			"workers/intake/user.ts": user,
			"workers/consumer/user.ts": user,
			"workers/sweeper/user.ts": 'import type { Port } from "../../shared/model/ask.ts";',
		};
		const alone = sitesOf(files).filter(({ name }) => name === "shared/model/ask.ts#ask");
		expect(alone.map(({ actor }) => actor)).toEqual(["intake", "consumer"]);
	});

	it("show a verb that nobody is seen to call", () => {
		const unused = { name: "shared/db/find-job.ts#findJob", actor: "nobody", places: 1 };
		expect(sitesOf({ "workers/intake/poll.ts": "" })).toEqual([unused]);
	});

	it("of this service cover all actors and all kinds of bindings", () => {
		const sites = callSitesIn(`${import.meta.dirname}/../../..`);
		expect(new Set(sites.map(({ actor }) => actor))).toEqual(new Set(["consumer", "dispatcher", "intake", "sweeper"]));
		for (const part of [
			"shared/db/",
			"shared/storage/",
			"postWebhook",
			"callWorkersAi",
			"isEmpty",
			"wake.ts#wake",
			"isWithin",
		]) {
			expect(sites.some(({ name }) => name.includes(part))).toBe(true);
		}
	});
});
