/** What a tenant's jobs have used, added up by hour or day, and by model. */

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Below these, in seconds, lie the jobs of each bucket of a histogram but the last. The columns of `usage_hours` are made of them. */
export const BUCKET_SECONDS = [0.1, 0.3, 1, 3, 10, 30, 100, 300, 1_000, 3_000] as const;

/** What is counted only since hours are: null for a day from before. */
export interface Ends {
	failed: number;
	cancelled: number;
	expired: number;
	/** How many jobs waited how long, from when they were due to their first lease: one number for each bucket. */
	wait: number[];
	/** And how long they took from there to their final state. */
	run: number[];
}

export interface Used {
	jobs: number;
	succeeded: number;
	promptTokens: number;
	completionTokens: number;
	totalTokens: number;
	/** How many of the total no provider reported. */
	estimatedTokens: number;
	ends: Ends | null;
}

/** As it is stored: of an hour and a model. */
export interface UsageRow extends Used {
	/** Hours since 1970-01-01; the first one of a day that is counted as one. */
	hour: number;
	model: string;
}

/** Of an hour or a day, and of one model, or all of them: null. */
export interface UsageBucket extends Used {
	startAt: number;
	model: string | null;
	/** In dollars. Null: none of its models has a price. */
	cost: number | null;
	/** Of the total, those of models without a price, and those that are neither of the input nor of the output. */
	unpricedTokens: number;
}

interface Grouping {
	hours: 1 | 24;
	byModel: boolean;
	/** In dollars. Null: the model has no price. */
	costOf: (row: UsageRow) => number | null;
}

/** In the order in which they come. */
export function addUp(rows: readonly UsageRow[], { hours, byModel, costOf }: Grouping): UsageBucket[] {
	const sums = new Map<string, UsageBucket>();
	for (const row of rows) {
		const { hour, model: name, ...used } = row;
		const startAt = (hour - (hour % hours)) * HOUR_MS;
		const model = byModel ? name : null;
		const key = `${startAt}:${model}`;
		const sum = sums.get(key);
		const cost = costOf(row);
		sums.set(key, {
			...{ startAt, model, ...(sum === undefined ? used : sumOf(sum, used)) },
			cost: cost === null ? (sum?.cost ?? null) : cost + (sum?.cost ?? 0),
			unpricedTokens:
				(sum?.unpricedTokens ?? 0) +
				(cost === null ? used.totalTokens : Math.max(0, used.totalTokens - used.promptTokens - used.completionTokens)),
		});
	}
	return [...sums.values()];
}

function sumOf(one: Used, other: Used): Used {
	return {
		jobs: one.jobs + other.jobs,
		succeeded: one.succeeded + other.succeeded,
		promptTokens: one.promptTokens + other.promptTokens,
		completionTokens: one.completionTokens + other.completionTokens,
		totalTokens: one.totalTokens + other.totalTokens,
		estimatedTokens: one.estimatedTokens + other.estimatedTokens,
		ends: one.ends === null || other.ends === null ? null : sumOfEnds(one.ends, other.ends),
	};
}

export function sumOfEnds(one: Ends, other: Ends): Ends {
	const plus = (counts: number[], others: number[]) => counts.map((count, at) => count + (others[at] ?? 0));
	return {
		failed: one.failed + other.failed,
		cancelled: one.cancelled + other.cancelled,
		expired: one.expired + other.expired,
		wait: plus(one.wait, other.wait),
		run: plus(one.run, other.run),
	};
}

/**
 * The number of seconds below which lies a `share` of the jobs in a histogram, as if those of a bucket were spread evenly over the
 * logarithm of their time. At most the limit of the last bucket. Null: there are none.
 */
export function quantile(counts: readonly number[], share: number): number | null {
	const all = counts.reduce((sum, count) => sum + count, 0);
	if (all === 0) return null;
	let left = share * all;
	for (const [at, count] of counts.entries()) {
		const high = BUCKET_SECONDS[at] ?? BUCKET_SECONDS[9];
		const low = BUCKET_SECONDS[at - 1] ?? high / 3;
		if (left <= count) return rounded(low * (high / low) ** (count === 0 ? 0 : left / count));
		left -= count;
	}
	return BUCKET_SECONDS[9];
}

/** A page of hours after this one has the last `hours`, the present one among them. */
export function hoursBefore(now: number, hours: number): { hour: number } {
	return { hour: Math.floor(now / HOUR_MS) - hours };
}

/** To milliseconds: an estimate is no finer. */
const rounded = (seconds: number) => Number(seconds.toFixed(3));

/** Days since 1970-01-01. */
export function dayOf(date: string): number {
	return Date.parse(date) / DAY_MS;
}

export function dateAt(ms: number): string {
	return new Date(ms).toISOString().slice(0, "2026-01-02".length);
}
