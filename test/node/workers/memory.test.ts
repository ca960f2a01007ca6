import { execFile } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { MemoryBudget, type Need } from "../../../shared/core/memory-budget.ts";

/** What the simulated world around the API takes of the heap, beside the code. */
const WORLD_BYTES = 10_000_000;
const LIMIT_BYTES = 110_000_000 + WORLD_BYTES;
const MIB = 1024 * 1024;

interface Seen {
	/** Of three submissions, or of two jobs. */
	outcomes: string[];
	/** The last submission again. */
	again?: string;
	/** How many calls were in flight. */
	atOnce?: number;
	buffersMax: number;
}

/** Work on bodies of 16 MiB in a process with so much heap, which must not need more than an isolate has. */
async function workOn(actor: string, body: string, heapMib: number): Promise<Seen> {
	// With so small a heap, threads that collect garbage spend more on waiting for each other than they save.
	const heap = [`--max-old-space-size=${heapMib}`, "--max-semi-space-size=1", "--single-threaded-gc"];
	// A consumer parses when its heap is full, where V8 ends a process that asks for a collection.
	const collects = actor === "intake" ? ["--expose-gc"] : [];
	const flags = [...heap, ...collects, "--no-warnings"];
	const script = join(import.meta.dirname, "memory-run.ts");
	const seen = await new Promise<Seen>((resolve, reject) => {
		execFile(process.execPath, [...flags, script, actor, body], (error, stdout) => {
			if (error === null) resolve(JSON.parse(stdout.trim().split("\n").at(-1) ?? ""));
			else reject(new Error(`it ended with ${error.signal ?? error.code}`));
		});
	});
	expect(heapMib * MIB + seen.buffersMax).toBeLessThan(LIMIT_BYTES);
	return seen;
}

it.each([
	["pure ASCII", "ascii", 60, 2],
	["one emoji", "emoji", 60, 2],
	// Their values take the memory of the second one.
	["one euro sign, in no text that is cut short", "euro", 78, 1],
	["498,000 keys", "keys", 80, 1],
])(
	"two bodies of 16 MiB at once fit in an isolate's intake, and the others may be repeated: %s",
	async (_, body, heapMib, fit) => {
		const { outcomes, again } = await workOn("intake", body, heapMib);
		const refused = outcomes.filter((outcome) => !outcome.startsWith("202"));
		expect(refused).toEqual(Array(3 - fit).fill(expect.stringMatching(/^429 ([2-9]|10)$/)));
		expect(again).toMatch(/^202/);
	},
	120_000,
);

it.each([
	["pure ASCII", "openai-compatible", "ascii", 35, 2],
	["one emoji", "openai-compatible", "emoji", 35, 2],
	["498,000 keys", "openai-compatible", "keys", 35, 2],
	// The AI binding takes values.
	["one emoji, one after the other", "workers-ai", "emoji", 65, 1],
	// It is refused before it is expanded.
	["a file and a call for Anthropic", "workers-ai", "anthropic", 65, 0],
])(
	"two inputs of 16 MiB fit in an isolate's consumer: %s",
	async (_, provider, body, heapMib, atOnce) => {
		const outcomes = Array(2).fill(atOnce === 0 ? "failed" : "succeeded");
		expect(await workOn(provider, body, heapMib)).toMatchObject({ atOnce, outcomes });
	},
	120_000,
);

const need = (held: number, peak = 0): Need => ({ held, peak });

it("counts what is held by all, and what one needs beside it for a moment", () => {
	const budget = new MemoryBudget(100);
	const first = budget.tryTake(need(20, 40));
	expect(budget.tryTake(need(30, 50))).not.toBeNull();
	expect(budget.tryTake(need(1))).toBeNull();
	expect(budget.tryTake(need(0))).not.toBeNull();
	if (first !== null) budget.release(first);
	expect(budget.tryTake(need(20))).not.toBeNull();
});

it("lets what is larger than the budget run alone, and serves in the order of arrival", async () => {
	const budget = new MemoryBudget(100);
	const never = new AbortController().signal;
	const entered: string[] = [];
	const first = await budget.take(need(500), never);
	const late = new AbortController();
	const given = budget.take(need(10), late.signal);
	for (const name of ["second", "third"])
		void budget.take(need(name === "second" ? 90 : 20), never).then((share) => {
			entered.push(name);
			if (share !== null && name === "second") budget.release(share);
		});
	late.abort();
	expect(await given).toBeNull();
	if (first !== null) budget.release(first);
	await Promise.resolve();
	await Promise.resolve();
	expect(entered[0]).toBe("second");
});

it("lets two answers that each hold half of the budget end: one grows beyond it, and the other one waits", async () => {
	const budget = new MemoryBudget(100);
	const [one, other] = [budget.tryTake(need(50)), budget.tryTake(need(50))];
	if (one === null || other === null) throw new Error("they fit");
	const never = new AbortController().signal;
	await budget.grow(one, need(90), never);
	let hasGrown = false;
	const growing = budget.grow(other, need(90), never).then(() => {
		hasGrown = true;
	});
	await budget.grow(one, need(120), never);
	expect(hasGrown).toBe(false);
	budget.release(one);
	await growing;
	expect(budget.tryTake(need(20))).toBeNull();
});

it("lets an answer go on that has waited long, because it was paid for", async () => {
	const budget = new MemoryBudget(100);
	const [one, other] = [budget.tryTake(need(50)), budget.tryTake(need(50))];
	if (one === null || other === null) throw new Error("they fit");
	const goOn = new AbortController();
	await budget.grow(one, need(90), goOn.signal);
	const growing = budget.grow(other, need(90), goOn.signal);
	goOn.abort();
	await growing;
	expect(other.need).toEqual(need(90));
});
