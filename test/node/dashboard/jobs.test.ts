import { describe, expect, it } from "vitest";
import { addressOf, filtersOf, parsed, textOf, wrongIn } from "../../../dashboard/pages/jobs/filters.ts";
import { between, patched, unseen } from "../../../dashboard/pages/jobs/live-rows.ts";

describe("the filter of the list", () => {
	it.each([
		["", "/dashboard/jobs"],
		["status:failed", "/dashboard/jobs?status=failed"],
		["model:openai/gpt-5.5 reason:rate_limited", "/dashboard/jobs?reason=rate_limited&model=openai%2Fgpt-5.5"],
		['user:42 name:"Ana \\"A\\" Lee"', "/dashboard/jobs?metadata%5Buser%5D=42&metadata%5Bname%5D=Ana+%22A%22+Lee"],
	])("%s has an address, from which the same filter is read", (text, address) => {
		const result = parsed(text, null);
		if (result.is !== "filters") throw new Error("no filter");
		expect(addressOf(result.filters)).toBe(address);
		const query = Object.fromEntries(new URL(address, "http://a").searchParams);
		expect(filtersOf(query)).toEqual(result.filters);
		expect(parsed(textOf(result.filters), result.filters.status)).toEqual(result);
	});

	it("opens a job by its id, and says what it does not understand", () => {
		expect(parsed("job_01jq0000000000000000000000", null)).toMatchObject({ is: "job" });
		expect(parsed("hello", null)).toMatchObject({ is: "wrong" });
		expect(parsed("status:done", null)).toMatchObject({ is: "wrong" });
	});

	it("says what of an address it does not understand, and has the address without it", () => {
		const query = { status: "done", from: "2026-01-01", model: "a", "metadata[user]": "42", reason: "throttled" };
		expect(wrongIn(query)).toEqual([
			"“done” is no status: it is one of queued, running, succeeded, failed, cancelled, expired.",
			"“from” is no filter of this list.",
		]);
		expect(addressOf(filtersOf(query))).toBe("/dashboard/jobs?reason=throttled&model=a&metadata%5Buser%5D=42");
		expect(wrongIn({ ...query, status: "failed", from: "" })).toHaveLength(1);
		expect(wrongIn({})).toEqual([]);
	});
});

describe("the rows of the list", () => {
	const row = (id: string, status = "queued") => ({ id, status });
	const rows = ["e", "d", "c", "b"].map((id) => row(id));
	const ids = (list: { id: string }[]) => list.map(({ id }) => id).join("");

	it("change in place, go when they left the filter, and stay where the page does not reach", () => {
		const page = { data: [row("f"), row("e", "running"), row("c")], nextAfter: "c" };
		const after = patched(rows, page);
		expect(after.map(({ id, status }) => `${id} ${status}`)).toEqual(["e running", "c queued", "b queued"]);
		expect(ids(unseen(rows, page))).toBe("f");
		expect(ids(patched(rows, { ...page, nextAfter: null }))).toBe("ec");
	});

	it("are selected from one to another in either direction", () => {
		expect(between(rows, "b", "d")).toEqual(["d", "c", "b"]);
		expect(between(rows, "gone", "c")).toEqual(["c"]);
	});
});
