import { expect, it } from "vitest";
import { FINAL_STATES } from "../../../../../shared/core/jobs/job-states.ts";
import { eventTypeOf, JOB_EVENT_TYPES } from "../../../../../shared/core/webhooks/events.ts";

it("there is an event for each final state, besides a job's start", () => {
	expect(["job.started", ...FINAL_STATES.map(eventTypeOf)]).toEqual([...JOB_EVENT_TYPES]);
});
