import { expect, it } from "vitest";
import type { Model, WebhookEndpoint } from "../../../client/schemas.ts";
import { endedOf, isIdle } from "../../../dashboard/pages/overview/ended.ts";
import { groupFailures } from "../../../dashboard/pages/overview/failure-groups.ts";
import { problemsOf } from "../../../dashboard/pages/overview/health.ts";
import { aJob } from "./a-job.ts";

const NOW = Date.parse("2026-01-02T03:04:05.000Z");
const at = (ms: number) => new Date(NOW + ms).toISOString();
const aModel = (facts: Partial<Model>): Model => ({
	id: "acme/one",
	object: "model",
	created: 0,
	owned_by: "acme",
	state: "healthy",
	until: null,
	permits: null,
	trips: 0,
	parked_jobs: { value: 0, or_more: false },
	recent: null,
	...facts,
});
const stats = {
	...{ object: "stats" as const, open: [], oldest_open_at: null, ended_today: { jobs: 0, succeeded: 0 } },
	...{ due_later: { value: 0, or_more: false }, pending_deliveries: { value: 0, or_more: false }, sampled_at: null },
	ended_24h: { succeeded: 0, failed: 0, cancelled: 0, expired: 0, or_more: false },
};
const nothing = { models: undefined, endpoints: undefined, stats: undefined };

it("what works is no problem, nor is what is not known", () => {
	expect(problemsOf(nothing, NOW)).toEqual([]);
	const endpoint = { name: "CRM", status: "enabled", paused_until: null } as WebhookEndpoint;
	const oldest_open_at = at(-5 * 60_000);
	const known = { models: [aModel({})], endpoints: [endpoint], stats: { ...stats, oldest_open_at } };
	expect(problemsOf(known, NOW)).toEqual([]);
});

it("problems say what is wrong and lead there, the worst first", () => {
	const models = [
		aModel({ id: "acme/slow", state: "throttled", until: at(60_000), parked_jobs: { value: 1, or_more: false } }),
		aModel({ id: "acme/bad", state: "blocked", parked_jobs: { value: 1_000, or_more: true } }),
	];
	const endpoints = [
		{ id: "we_2", name: "ERP", status: "enabled", paused_until: NOW / 1_000 + 60 } as WebhookEndpoint,
		{ id: "we_1", name: "CRM", status: "disabled" } as WebhookEndpoint,
	];
	const found = problemsOf({ models, endpoints, stats: { ...stats, oldest_open_at: at(-6 * 60_000) } }, NOW);
	expect(found.map(({ text, href, until }) => [text, href, until])).toEqual([
		["acme/bad is blocked, and 1,000+ jobs wait", "/dashboard/models", null],
		["The endpoint CRM is disabled", "/dashboard/webhooks/we_1", null],
		["acme/slow is throttled, and 1 job waits", "/dashboard/models", at(60_000)],
		["The endpoint ERP is paused, because its last deliveries failed", "/dashboard/webhooks/we_2", null],
		["The oldest open job was submitted 6 min ago", "/dashboard/jobs", null],
	]);
});

it("failures with the same code are one group, in the order of the newest", () => {
	const failed = (id: string, code: string) =>
		aJob({ id, error: { code, message: "It failed.", status: null, model: null } });
	const groups = groupFailures([failed("a", "one"), failed("b", "two"), failed("c", "one")]);
	expect(groups.map(({ code, jobs }) => [code, ...jobs.map(({ id }) => id)])).toEqual([
		["one", "a", "c"],
		["two", "b"],
	]);
});

it("no job is open only where none runs, none waits for later, and the newest is final", () => {
	const later = (value: number, or_more: boolean) => ({ ...stats, due_later: { value, or_more } });
	expect([isIdle(stats, "succeeded"), isIdle(stats, undefined)]).toEqual([true, true]);
	expect([isIdle(stats, "queued"), isIdle(later(2, false), "failed"), isIdle(later(0, true), "failed")]).toEqual([
		...[false, false, false],
	]);
});

it("the failure rate is of all jobs that ended: those that failed or expired", () => {
	expect(endedOf({ succeeded: 5, failed: 1, expired: 1, cancelled: 3 })).toEqual({ ended: 10, unsuccessful: 2 });
});
