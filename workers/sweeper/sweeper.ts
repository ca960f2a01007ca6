/** What a sweeper works with, and what each step of a sweep may use. */
import type { Config } from "../../shared/core/config.ts";
import type { Runtime } from "../../shared/core/runtime.ts";
import { STATEMENTS_MAX } from "../../shared/db/database.ts";
import type { Bindings } from "../bindings.ts";

export interface Sweeper extends Bindings {
	runtime: Runtime;
	/** Without waits if the configuration is invalid: deliveries are due at once. */
	config: Pick<Config, "deliveryScheduleMs">;
	/** The first one seals. Empty if the configuration is invalid: the other steps need none. */
	signingKeys: string[];
}

/** A part of what a sweep may use. */
export interface Share {
	/** Of D1. */
	statements: number;
	/** Calls to R2 and the queues. */
	calls: number;
	ms: number;
}

export interface Budget {
	/** Whether the step has time, statements and calls left. Call it before each page; the next sweep continues. */
	allows(statements: number, calls?: number): boolean;
}

/**
 * What Cloudflare grants an invocation, less a margin for pages that take more than planned: 10,000 subrequests, of which the
 * statements are part, and fifteen minutes, during which other sweeps begin.
 */
const GRANTED: Share = { statements: STATEMENTS_MAX - 100, calls: 8_500, ms: 110_000 };

/** For one sweep. A step may use all that earlier steps left over, except what is reserved for later ones. */
export function startBudget({ db, objects, jobQueue, deliveryQueue, runtime }: Sweeper): (reserved: Share) => Budget {
	const startedAt = runtime.now();
	const used = (): Share => ({
		statements: db.statements,
		calls: objects.calls + jobQueue.calls + deliveryQueue.calls,
		ms: runtime.now() - startedAt,
	});
	return (reserved) => ({
		allows(statements, calls = 0) {
			const now = used();
			return (
				now.statements + statements <= GRANTED.statements - reserved.statements &&
				now.calls + calls <= GRANTED.calls - reserved.calls &&
				now.ms < GRANTED.ms - reserved.ms
			);
		},
	});
}
