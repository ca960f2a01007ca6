/** Plays sequences of requests until enough were answered. The first that breaks a rule is shrunk to its shortest form. */
import fc from "fast-check";
import type { ApiDescription } from "../support/api-description.ts";
import type { SchemaCheck } from "./check-answer.ts";
import type { FuzzedService } from "./fuzzed-service.ts";
import { type Step, stepsFor } from "./plan-requests.ts";
import { type Histogram, Story } from "./story.ts";

const STEPS_MAX = 120;
const STORIES_A_ROUND = 10;

interface Campaign {
	seed: number;
	/** How many at least. */
	requests: number;
	api: ApiDescription;
	checkSchema: SchemaCheck;
	/** A service for one story. */
	start(): FuzzedService;
}

export interface Outcome {
	requests: number;
	histogram: Histogram;
	/** What was asked, and what was wrong with the answer. Null: nothing ever was. */
	failure: string | null;
}

export async function fuzz({ seed, requests, api, checkSchema, start }: Campaign): Promise<Outcome> {
	const histogram: Histogram = new Map();
	const answered = () => [...histogram.values()].reduce((sum, count) => sum + count, 0);
	const play = async (steps: Step[]) => {
		const service = start();
		try {
			const story = await Story.begin(service, { api, checkSchema, histogram });
			for (const step of steps) await story.play(step);
		} finally {
			service.end();
		}
	};
	const stories = fc.array(stepsFor(api), { minLength: 1, maxLength: STEPS_MAX, size: "max" });
	for (let round = seed; answered() < requests; round++) {
		const outcome = await fc.check(fc.asyncProperty(stories, play), { seed: round, numRuns: STORIES_A_ROUND });
		if (!outcome.failed) continue;
		const [steps = []] = outcome.counterexample ?? [];
		const lines = [
			`seed ${round}, after the opening of every story:`,
			...steps.map(shown),
			String(outcome.errorInstance),
		];
		return { requests: answered(), histogram, failure: lines.join("\n") };
	}
	return { requests: answered(), histogram, failure: null };
}

function shown(step: Step): string {
	if ("waitMs" in step) return `  wait ${step.waitMs} ms`;
	const { who, method, path, query, headers, body } = step;
	const bytes = typeof body === "string" || body === null ? body : `bytes ${[...body.slice(0, 200)].join(" ")}`;
	return `  ${who}: ${method} ${path}${query === "" ? "" : `?${query}`} ${JSON.stringify(headers)} ${JSON.stringify(bytes)}`;
}
