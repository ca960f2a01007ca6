import { beforeEach, expect, it } from "vitest";
import {
	allEntries,
	dueAt,
	type Entry,
	entryOf,
	forget,
	forgetAll,
	type User,
} from "../../../dashboard/data/entries.ts";

beforeEach(forgetAll);

const user = (rest: Partial<User> = {}) => ({
	read: async () => null,
	pollMs: null,
	isHeld: false,
	isLast: () => false,
	...rest,
});

function entry(key: string, value: unknown = null): Entry {
	const made = entryOf(key);
	made.state.value = { value, error: undefined, isLoading: false };
	made.readAt = 1_000;
	return made;
}

it("of the values that nothing shows, the 50 that were used last stay in memory", () => {
	const shown = entry("shown");
	shown.users.add(user());
	for (let nth = 0; nth < 60; nth++) entry(`input job_${nth}`);
	entryOf("input job_10");
	for (let nth = 60; nth < 109; nth++) entry(`input job_${nth}`);
	expect(allEntries()).toHaveLength(51);
	expect(allEntries()).toContain(shown);
	expect(entryOf("input job_10").readAt).toBe(1_000);
	expect(entryOf("input job_59").readAt).toBe(0);
});

it("nothing that was read of a deleted job is shown again", () => {
	for (const key of ["job job_1", "result job_1 0", "changes job_0 job_1", "job job_11"]) entry(key);
	forget("job_1");
	expect(
		["job job_1", "result job_1 0", "changes job_0 job_1", "job job_11"].map((key) => entryOf(key).readAt),
	).toEqual([0, 0, 0, 1_000]);
});

it("what is shown is polled until its value is the last one, and not while it is held", () => {
	const polled = entry("delivery", "pending");
	const watching = user({ pollMs: 3_000, isLast: (value) => value === "delivered" });
	polled.users.add(watching);
	expect(dueAt(polled)).toBe(4_000);
	polled.state.value = { value: "delivered", error: undefined, isLoading: false };
	expect(dueAt(polled)).toBe(Number.POSITIVE_INFINITY);
	polled.users.add(user({ pollMs: 5_000 }));
	expect(dueAt(polled)).toBe(6_000);
	polled.users.clear();
	polled.users.add(user({ pollMs: 3_000, isHeld: true }));
	expect(dueAt(polled)).toBe(Number.POSITIVE_INFINITY);
});

it("what the service asked to wait with is read then, even if it is not polled", () => {
	const asked = Object.assign(entry("job"), { waitUntil: 30_000, isAsked: true });
	asked.users.add(user());
	expect(dueAt(asked)).toBe(30_000);
});
