/** What a sweeper works with, and what each step of a sweep may use. */
import type { Config } from "../../shared/core/config.ts";
import type { Runtime } from "../../shared/core/runtime.ts";
import { type Database, STATEMENTS_MAX } from "../../shared/db/database.ts";
import type { Bindings } from "../bindings.ts";

export interface Sweeper extends Bindings {
	runtime: Runtime;
	/** Without waits if the configuration is invalid: deliveries are due at once. */
	config: Pick<Config, "deliveryScheduleMs">;
	/** The first one seals. Empty if the configuration is invalid: the other steps need none. */
	signingKeys: string[];
}

export interface Budget {
	/** Whether the step has time and statements left. Call it before each page; the next sweep continues. */
	allows(statements: number): boolean;
}

/** @param reserved statements kept for the steps after this one */
export function budgetOf(
	{ db, runtime }: { db: Database; runtime: Runtime },
	{ msMax, reserved }: { msMax: number; reserved: number },
): Budget {
	const stopAt = runtime.now() + msMax;
	return { allows: (statements) => runtime.now() < stopAt && db.statements + statements <= STATEMENTS_MAX - reserved };
}
