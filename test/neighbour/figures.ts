/** What the other tenant's samples come to, and the ratio that no attack may exceed. */
import { quantile } from "../bench/statistics.ts";

/** The model of both tenants, behind one credential. */
export const MODEL = "shared/gpt";

/** A request or a job without a good end. */
export const LOST_MS = 30_000;

export const RATIO_MAX = 3;

/**
 * An idle time below this counts as this. A permitted body of 16 MiB holds a thread for so long, and here all tenants share one
 * isolate, and two cores with wrangler, the attack and the measurement. What the attacks did before their fixes took seconds.
 */
const FLOOR_MS = 250;

export interface Window {
	windowMs: number;
	/** How long after the window its jobs are waited for. */
	drainMs: number;
}

/** In milliseconds. */
export interface Samples {
	submit: number[];
	poll: number[];
	/** From submission to the final state. */
	final: number[];
}

export type Percentiles = Record<keyof Samples, number>;

export const METRICS = ["submit", "poll", "final"] as const;

export function p99Of(samples: Samples): Percentiles {
	const { submit, poll, final } = samples;
	return { submit: quantile(submit, 0.99), poll: quantile(poll, 0.99), final: quantile(final, 0.99) };
}

export function ratiosOf(idle: Percentiles, attacked: Percentiles): Percentiles {
	const ratio = (metric: keyof Samples) => attacked[metric] / Math.max(idle[metric], FLOOR_MS);
	return { submit: ratio("submit"), poll: ratio("poll"), final: ratio("final") };
}
