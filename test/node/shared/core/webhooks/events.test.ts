import { describe, expect, it } from "vitest";
import { FINAL_STATES } from "../../../../../shared/core/jobs/job-states.ts";
import {
	deliveryIdOf,
	deliveryIdRange,
	eventIdOf,
	eventTypeOf,
	JOB_EVENT_TYPES,
} from "../../../../../shared/core/webhooks/events.ts";

const JOB = "job_01kdyak3se0000000000000001";

describe("events", () => {
	it("there is one for each final state, besides a job's start", () => {
		expect(["job.started", ...FINAL_STATES.map(eventTypeOf)]).toEqual([...JOB_EVENT_TYPES]);
	});

	it("have the same id however often they are made, and another for each job and state", () => {
		expect(eventIdOf(JOB, "succeeded")).toBe("evt_01kdyak3se0000000000000001_succeeded");
		expect(new Set(FINAL_STATES.map((state) => eventIdOf(JOB, state))).size).toBe(FINAL_STATES.length);
	});
});

describe("deliveryIdRange", () => {
	it("holds the deliveries of its job to all receivers, and no neighbour's", () => {
		const { from, to } = deliveryIdRange(JOB);
		const isWithin = (id: string) => id >= from && id < to;
		for (const state of FINAL_STATES) {
			expect(isWithin(deliveryIdOf(JOB, state, "webhook"))).toBe(true);
			expect(isWithin(deliveryIdOf(JOB, state, "we_01kdyak3se0000000000000009"))).toBe(true);
		}
		for (const other of ["job_01kdyak3se0000000000000000", "job_01kdyak3se0000000000000002", `${JOB}0`]) {
			expect(isWithin(deliveryIdOf(other, "succeeded", "webhook"))).toBe(false);
		}
	});
});
