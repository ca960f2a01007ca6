import { describe, expect, it } from "vitest";
import { checkHistory } from "../../simulation/check-history.ts";
import { fromJsonLines, type HistoryEvent, toJsonLines } from "../../simulation/history.ts";

const ALL = ["job.succeeded", "job.failed", "job.cancelled", "job.expired"];

type Facts = Partial<HistoryEvent> & Pick<HistoryEvent, "op">;

/** One request after the other, each with its invocation and its end, a second apart. */
class Story {
	readonly events: HistoryEvent[] = [];
	#at = 0;

	did(facts: Facts, type: HistoryEvent["type"] = "ok"): this {
		const { op, tenant = "ten_a", ...seen } = facts;
		const base = { client: "c1", op, tenant, request: this.events.length };
		const { tag, key, fingerprint, job, isPaid } = seen;
		const asked = op === "submit" ? { tag, key, fingerprint } : { job, isPaid, ...(op === "call" ? { tag } : {}) };
		const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
		if (op !== "webhook") this.events.push({ at: this.#tick(), ...base, type: "invoke", ...given });
		this.events.push({ at: this.#tick(), ...base, type, ...seen });
		return this;
	}

	submitted(facts: Partial<HistoryEvent> = {}): this {
		return this.did({ op: "submit", tag: "s1", job: "job_1", status: "queued", version: 1, code: 202, ...facts });
	}

	saw(status: string, version: number, facts: Partial<HistoryEvent> = {}): this {
		return this.did({ op: "get", job: "job_1", status, version, code: 200, ...facts });
	}

	notified(eventType: string, webhookId = "evt_1", type: HistoryEvent["type"] = "ok"): this {
		return this.did({ op: "webhook", job: "job_1", eventType, webhookId }, type);
	}

	/** One call as its provider saw it. */
	called(type: HistoryEvent["type"] = "ok"): this {
		return this.did({ op: "call", tag: "s1", isPaid: type !== "fail" }, type);
	}

	/** A call under which the service was killed. */
	killedInCall(): this {
		const call = { client: "provider", op: "call", tenant: "ten_a", tag: "s1", isPaid: true, request: -1 } as const;
		this.events.push({ at: this.#tick(), type: "invoke", ...call });
		this.did({ op: "harm", kind: "kill" });
		this.events.push({ at: this.#tick(), type: "info", ...call });
		return this;
	}

	recorded(recorded: number): this {
		return this.did({ op: "attempts", job: "job_1", recorded, ...drained });
	}

	later(ms: number): this {
		this.#at += ms;
		return this;
	}

	#tick(): number {
		this.#at += 1_000;
		return this.#at;
	}
}

const problemsOf = (story: Story) => [...new Set(checkHistory(story.events).map(({ invariant }) => invariant))];
const drained = { isDrain: true };
const submitted = (facts: Partial<HistoryEvent> = {}) => new Story().submitted(facts);
const found = (...jobs: [job: string, tag: string, status?: string][]) => ({
	op: "list" as const,
	jobs: jobs.map(([job, tag, status = "succeeded"]) => ({ job, tag, status })),
});

describe("a history without fault passes", () => {
	const good: Record<string, Story> = {
		"a job that was submitted, seen running, notified and kept": submitted({ wants: ALL })
			.saw("running", 2)
			.notified("job.succeeded")
			.saw("succeeded", 3)
			.did({ op: "result", job: "job_1", sha: "aa" })
			.did({ op: "result", job: "job_1", sha: "aa" })
			.did(found(["job_1", "s1"]))
			.saw("succeeded", 3, drained),
		"a submission without an answer that took effect": new Story()
			.did({ op: "submit", tag: "s1" }, "info")
			.did(found(["job_1", "s1"])),
		"a submission without an answer that did not": new Story().did({ op: "submit", tag: "s1" }, "info").did(found()),
		"a webhook sent twice": submitted({ wants: ALL })
			.notified("job.failed")
			.notified("job.failed")
			.saw("failed", 3, drained),
		"a webhook that the service gave up": submitted({ wants: ALL })
			.did({ op: "webhook", job: "job_1", eventType: "job.failed" }, "fail")
			.saw("failed", 3, drained),
		"a webhook that was refused and came again": submitted({ wants: ALL })
			.notified("job.failed", "evt_1", "info")
			.notified("job.failed")
			.saw("failed", 3, drained),
		"an answer that was bought again because of a kill": submitted()
			.killedInCall()
			.later(60_000)
			.called()
			.saw("succeeded", 3)
			.did({ op: "result", job: "job_1", sha: "aa", tag: "s1" })
			.recorded(2),
		"a call that was refused before the next": submitted().called("fail").called("fail").called().recorded(3),
		"a job erased by its owner": submitted()
			.saw("failed", 2)
			.did({ op: "delete", job: "job_1" })
			.did({ op: "get", job: "job_1", code: 404, isDrain: true }, "fail"),
		"a job past its retention": submitted({ retainMs: 60_000 })
			.later(60_000)
			.did({ op: "get", job: "job_1", code: 404, isDrain: true }, "fail"),
		"a key that names another job after a day": submitted({ key: "k", fingerprint: "f" })
			.later(86_400_000)
			.submitted({ key: "k", fingerprint: "f", job: "job_2", tag: "s2" }),
		"two tenants with one key": submitted({ key: "k", fingerprint: "f" }).submitted({
			key: "k",
			fingerprint: "f",
			job: "job_2",
			tenant: "ten_b",
		}),
	};

	it.each(Object.entries(good))("%s", (_name, story) => {
		expect(checkHistory(story.events)).toEqual([]);
	});
});

describe("a history that breaks a promise is refused", () => {
	const bad: [name: string, invariant: string, story: Story][] = [
		["an acknowledged job is lost", "S1", submitted().did({ op: "get", job: "job_1", code: 404, ...drained }, "fail")],
		["a job never ends", "L1", submitted().saw("running", 2, drained)],
		["a job that was not submitted is there", "S4", submitted().did(found(["job_1", "s1"], ["job_2", "s2"]))],
		["one submission becomes two jobs", "S5", submitted().did(found(["job_1", "s1"], ["job_2", "s1"]))],
		[
			"one key becomes two jobs",
			"S5",
			submitted({ key: "k", fingerprint: "f" }).submitted({ key: "k", fingerprint: "f", job: "job_2" }),
		],
		[
			"one key takes two bodies",
			"S5",
			submitted({ key: "k", fingerprint: "f" }).submitted({ key: "k", fingerprint: "g" }),
		],
		["an end changes", "S2", submitted().saw("failed", 2).saw("succeeded", 3)],
		["a final job runs again", "S2", submitted().saw("cancelled", 2).saw("running", 3)],
		[
			"a result changes its bytes",
			"S2",
			submitted().did({ op: "result", job: "job_1", sha: "aa" }).did({ op: "result", job: "job_1", sha: "bb" }),
		],
		["a failed job has a result", "S2", submitted().saw("failed", 2).did({ op: "result", job: "job_1", sha: "aa" })],
		["a version goes back", "S8", submitted().saw("running", 3).saw("running", 2)],
		["a webhook says a job is over before it is", "S7", submitted().notified("job.succeeded").saw("running", 2)],
		["a webhook-id means two events", "S7", submitted().notified("job.failed").notified("job.expired")],
		["one event comes under two ids", "S7", submitted().notified("job.failed").notified("job.failed", "evt_2")],
		["no webhook of an end comes", "S6", submitted({ wants: ALL }).saw("failed", 2, drained)],
		[
			"a webhook says a job is over, and is refused, before it is",
			"S7",
			submitted().notified("job.failed", "e", "info").saw("running", 2),
		],
		[
			"a webhook arrives and is never taken",
			"S6",
			submitted({ wants: ALL }).notified("job.failed", "e", "info").saw("failed", 2, drained),
		],
		[
			"a job without a webhook never ends",
			"L1",
			new Story().did({ op: "submit", tag: "s1" }, "info").did({ ...found(["job_1", "s1", "queued"]), ...drained }),
		],
		[
			"a result is lost",
			"S1",
			submitted()
				.saw("succeeded", 2)
				.did({ op: "result", job: "job_1", code: 409, ...drained }, "fail"),
		],
		["a result answers another's prompt", "S10", submitted().did({ op: "result", job: "job_1", sha: "aa", tag: "s2" })],
		["a call is not in the history", "H1", submitted().called("fail").called().recorded(1)],
		["an answer is bought twice for no reason", "C2", submitted().called().called().recorded(2)],
		["an answer is bought three times for one kill", "C2", submitted().killedInCall().later(60_000).called().called()],
		[
			"an answer that was stored long before the kill is bought again",
			"C2",
			submitted().called().later(60_000).did({ op: "harm", kind: "kill" }).later(60_000).called(),
		],
		["another tenant sees a job", "S10", submitted().saw("running", 2, { tenant: "ten_b" })],
		["another tenant's list has a job", "S10", submitted().did({ ...found(["job_1", "s1"]), tenant: "ten_b" })],
		["an erased job comes back", "E3", submitted().did({ op: "delete", job: "job_1" }).saw("queued", 9)],
	];

	it.each(bad)("%s (%s)", (_name, invariant, story) => {
		expect(problemsOf(story)).toContain(invariant);
	});
});

it("a history is the same after a way through a file", () => {
	const { events } = submitted({ wants: ALL }).saw("running", 2);
	expect(fromJsonLines(toJsonLines(events))).toEqual(events);
});
