import { describe, expect, it } from "vitest";
import { GroupCommit } from "../../../../shared/core/group-commit.ts";
import { fakeRuntime } from "../../../support/fake-runtime.ts";

/** A group whose writes end when the test says so. */
function aGroup(membersMax = 10) {
	const writes: { members: string[]; end: () => void; fail: (error: Error) => void }[] = [];
	const runtime = fakeRuntime();
	const group = new GroupCommit<string, string>({
		timers: runtime,
		write: (members) =>
			new Promise((resolve, reject) => {
				writes.push({ members, end: () => resolve(members.map((member) => `${member}!`)), fail: reject });
			}),
		membersMax,
		shouldSplit: (error) => String(error).includes("refused"),
	});
	return { runtime, group, writes, groups: () => writes.map(({ members }) => members) };
}

const aTurn = () => new Promise((resolve) => setImmediate(resolve));

describe("a group commit", () => {
	it("writes at once what comes alone", async () => {
		const { group, writes, groups } = aGroup();
		const answer = group.commit("a");
		expect(groups()).toEqual([["a"]]);
		writes[0]?.end();
		expect(await answer).toBe("a!");
	});

	it("writes together what comes while a write is under way, and tells each its own answer", async () => {
		const { group, writes, groups } = aGroup();
		const answers = [group.commitAll(["a"]), group.commitAll(["b"]), group.commitAll(["c", "d"])];
		await aTurn();
		expect(groups()).toEqual([["a"]]);
		writes[0]?.end();
		await aTurn();
		expect(groups()).toEqual([["a"], ["b", "c", "d"]]);
		writes[1]?.end();
		expect(await Promise.all(answers)).toEqual([["a!"], ["b!"], ["c!", "d!"]]);
	});

	it("starts over when all is written", async () => {
		const { group, writes } = aGroup();
		for (const [at, member] of ["a", "b"].entries()) {
			const answer = group.commit(member);
			await aTurn();
			writes[at]?.end();
			expect(await answer).toBe(`${member}!`);
		}
	});

	it("lets who comes again at once after an answer come after those who wait", async () => {
		const { group, writes, groups } = aGroup();
		const again = group.commit("a").then(() => group.commit("a again"));
		const waiting = group.commit("b");
		writes[0]?.end();
		await aTurn();
		expect(groups()).toEqual([["a"], ["b"]]);
		writes[1]?.end();
		await aTurn();
		writes[2]?.end();
		expect(await Promise.all([waiting, again])).toEqual(["b!", "a again!"]);
	});

	it("fails all of them where what it asked does not answer each", async () => {
		const group = new GroupCommit<string, string>({
			timers: fakeRuntime(),
			write: async () => ["only one"],
			membersMax: 10,
			shouldSplit: () => false,
		});
		const answers = [group.commit("a"), group.commitAll(["b", "c"])];
		expect(await Promise.allSettled(answers)).toMatchObject([{ value: "only one" }, { status: "rejected" }]);
	});

	it("is no larger than it may be", async () => {
		const { group, writes, groups } = aGroup(2);
		const answers = group.commitAll(["a", "b", "c"]);
		writes[0]?.end();
		await aTurn();
		writes[1]?.end();
		expect(await answers).toEqual(["a!", "b!", "c!"]);
		expect(groups()).toEqual([["a", "b"], ["c"]]);
	});

	it("tells all of them that its outcome is unknown, and goes on", async () => {
		const { group, writes, groups } = aGroup();
		const answers = group.commitAll(["a", "b"]);
		const later = group.commit("c");
		writes[0]?.fail(new Error("connection lost"));
		await expect(answers).rejects.toThrow("connection lost");
		await aTurn();
		expect(groups()).toEqual([["a", "b"], ["c"]]);
		writes[1]?.end();
		expect(await later).toBe("c!");
	});

	it("holds no member up for more than a second where a write hangs", async () => {
		const { runtime, group, writes, groups } = aGroup();
		const hung = group.commit("a");
		const later = group.commit("b");
		await runtime.advance(999);
		expect(groups()).toEqual([["a"]]);
		await runtime.advance(1);
		expect(groups()).toEqual([["a"], ["b"]]);
		writes[1]?.end();
		expect(await later).toBe("b!");
		writes[0]?.end();
		expect(await hung).toBe("a!");
		await aTurn();
		expect(runtime.pendingTimers()).toBe(0);
	});

	it("that is refused is written one by one, so that no member fails because of another", async () => {
		const { group, writes, groups } = aGroup();
		const first = group.commit("first");
		const answers = ["good", "bad"].map((member) => group.commit(member));
		writes[0]?.end();
		await first;
		await aTurn();
		writes[1]?.fail(new Error("refused"));
		await aTurn();
		writes[2]?.end();
		await aTurn();
		writes[3]?.fail(new Error("refused"));
		expect(await Promise.allSettled(answers)).toMatchObject([{ value: "good!" }, { status: "rejected" }]);
		expect(groups()).toEqual([["first"], ["good", "bad"], ["good"], ["bad"]]);
	});
});
