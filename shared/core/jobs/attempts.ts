/**
 * The history of a job's model calls, one entry per call, bounded and kept in the job's row. The statement that settles the
 * call writes it, so it costs no extra write.
 */
import { z } from "zod";
import { promptTokens } from "../upstreams/estimate-tokens.ts";
import type { FailureClass, Usage } from "../upstreams/failures.ts";

/** The first entry and the last 49. */
export const ATTEMPTS_KEPT = 50;

export const UsageSchema = z.object({
	promptTokens: z.number(),
	completionTokens: z.number(),
	totalTokens: z.number(),
	estimatedTokens: z.number().optional(),
});

/**
 * `abandoned`: its holder died, or lost its lease. `superseded`: it succeeded, but another call's result was stored first.
 * `cancelled`, `expired`: the job ended during the call. For the rest, see `FailureClass`.
 */
export type AttemptOutcome =
	| "succeeded"
	| "superseded"
	| "abandoned"
	| "cancelled"
	| "expired"
	| FailureClass
	/** Our own fault: the result could not be stored. */
	| "not_stored";

const orNull = <Schema extends z.ZodType>(schema: Schema) => schema.nullable().catch(null);

/**
 * Times are Unix milliseconds of the database's clock. Read leniently, because another version may have written the entry: a
 * fact that is missing or has another form is unknown, and keeps no job from its end.
 */
export const AttemptSchema = z.object({
	number: z.number().catch(0),
	/** The lease under which the call was made: distinguishes the entries of two holders. */
	fence: z.number().catch(0),
	/** Whether it used up one of `max_attempts`. */
	counted: z.boolean().catch(true),
	model: z.string().catch(""),
	provider: orNull(z.string()),
	startedAt: z.number().catch(0),
	endedAt: z.number().catch(0),
	outcome: z.custom<AttemptOutcome>((value) => typeof value === "string").catch("abandoned"),
	status: orNull(z.number()),
	/** One of `FAILURE_CODES`. An earlier version wrote the provider's own. */
	code: orNull(z.string()),
	providerCode: orNull(z.string()),
	message: orNull(z.string()),
	excerpt: orNull(z.string()),
	retryAfterMs: orNull(z.number()),
	logId: orNull(z.string()),
	usage: orNull(UsageSchema),
});

export type Attempt = z.infer<typeof AttemptSchema>;

/** Every entry has these. The others are null if unknown. */
export type AttemptFacts = Pick<Attempt, "outcome" | "counted"> & Partial<Attempt>;

/** The entry of the call that `job` was leased for. */
export function newAttempt(
	{ attempts, fence, model }: { attempts: readonly Attempt[]; fence: number; model: string },
	facts: AttemptFacts & Pick<Attempt, "startedAt" | "endedAt">,
): Attempt {
	return {
		number: nextAttemptNumber(attempts),
		fence,
		model,
		provider: null,
		status: null,
		code: null,
		providerCode: null,
		message: null,
		excerpt: null,
		retryAfterMs: null,
		logId: null,
		usage: null,
		...facts,
	};
}

/** Whether a holder died before it recorded a call: the job may have killed it, and must not do so uncounted a second time. */
export function mayKillHolders({ attempts }: { attempts: readonly Attempt[] }): boolean {
	return attempts.some(({ outcome, counted }) => outcome === "abandoned" && !counted);
}

/** Whether a holder of the job ever died: the job may have killed it, and with it all that ran beside. */
export function runsAlone({ attempts }: { attempts: readonly Attempt[] }): boolean {
	return attempts.some(({ outcome }) => outcome === "abandoned");
}

/** The number of the next call, from 1. Numbering continues when old entries are dropped. */
export function nextAttemptNumber(history: readonly Attempt[]): number {
	return (history.at(-1)?.number ?? 0) + 1;
}

/** `history` with `entry`: it replaces the entry of the same lease, or is appended. */
export function withAttempt(history: readonly Attempt[], entry: Attempt): Attempt[] {
	const at = history.findIndex((known) => known.fence === entry.fence);
	const known = history[at];
	if (known !== undefined) {
		// Uncounted stays uncounted: that attempt was given back when its result seemed lost, and has been used again since.
		return history.with(at, { ...entry, number: known.number, counted: known.counted && entry.counted });
	}
	const all = [...history, entry];
	return all.length <= ATTEMPTS_KEPT ? all : [...all.slice(0, 1), ...all.slice(1 - ATTEMPTS_KEPT)];
}

/** The tokens of two calls together. Null only if both are unknown. */
export function addUsage(spent: Usage | null, more: Usage | null): Usage | null {
	if (spent === null || more === null) return spent ?? more;
	const estimatedTokens = (spent.estimatedTokens ?? 0) + (more.estimatedTokens ?? 0);
	return {
		promptTokens: spent.promptTokens + more.promptTokens,
		completionTokens: spent.completionTokens + more.completionTokens,
		totalTokens: spent.totalTokens + more.totalTokens,
		...(estimatedTokens > 0 ? { estimatedTokens } : {}),
	};
}

/** Of a call that may be charged for and whose usage is unknown: all that was reserved for it. Null: nothing was. */
export function estimatedUsage({
	tokensReserved,
	inputBytes,
}: {
	tokensReserved: number | null;
	inputBytes: number;
}): Usage | null {
	if (tokensReserved === null) return null;
	const prompt = Math.min(promptTokens(inputBytes), tokensReserved);
	const counts = { promptTokens: prompt, completionTokens: tokensReserved - prompt };
	return { ...counts, totalTokens: tokensReserved, estimatedTokens: tokensReserved };
}
