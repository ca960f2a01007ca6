import { expect, it } from "vitest";
import { FreshResults, INLINE_RESULT_BYTES_MAX } from "../../../../shared/storage/fresh-results.ts";

const job = (number: number, tenantId = "ten_a") => ({ tenantId, jobId: `job_${number}` });

it("gives a result once, to the job of its own tenant", () => {
	const results = new FreshResults();
	results.keep(job(1), "one", 3);
	expect(results.take(job(1, "ten_b"))).toBeNull();
	expect(results.take(job(1))).toBe("one");
	expect(results.take(job(1))).toBeNull();
});

it("keeps the newest 256, and none that no webhook carries", () => {
	const results = new FreshResults();
	results.keep(job(0), "too long", INLINE_RESULT_BYTES_MAX + 1);
	for (let number = 1; number <= 257; number++) results.keep(job(number), String(number), INLINE_RESULT_BYTES_MAX);
	const kept = Array.from({ length: 258 }, (_, number) => results.take(job(number)));
	expect([kept[0], kept[1], kept[2], kept[257]]).toEqual([null, null, "2", "257"]);
});
