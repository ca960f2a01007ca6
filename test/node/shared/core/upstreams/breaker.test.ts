import { describe, expect, it } from "vitest";
import { BLOCKED_WAIT_MS } from "../../../../../shared/core/upstreams/backoff.ts";
import { breakerEventFor } from "../../../../../shared/core/upstreams/breaker.ts";
import { aFailure } from "../../../../support/job-of.ts";

const CALL = { tenantId: "t", credential: "c", model: "m", leasedAt: 1 };

describe("a blocked failure", () => {
	const tripFor = (retryAfterMs: number | null, waitMs: number) =>
		breakerEventFor(CALL, aFailure("blocked", { retryAfterMs }), waitMs);

	it.each([
		[null, 0, BLOCKED_WAIT_MS],
		[300_000, 0, 300_000],
		[null, 70_000, 70_000],
		[86_400_000, 86_400_000, 900_000],
	])(
		"that requested %s ms, of a job that waits %i ms, blocks its credential for %i ms",
		(requested, waitMs, tripMs) => {
			expect(tripFor(requested, waitMs)).toMatchObject({
				kind: "trip",
				key: "own:t|credential:c",
				sharedKey: "credential:c",
				waitMs: tripMs,
			});
		},
	);
});

it.each(["timed_out", "aborted"] as const)("a call that was cut (%s) is no evidence", (code) => {
	const failure = aFailure("transient", { code, isCut: true });
	expect(breakerEventFor(CALL, failure, 0)).toBeNull();
});
