/** What a sweeper works with, and what one step of a sweep may use up. */
import type { Runtime } from "../../shared/core/runtime.ts";
import { type Database, STATEMENTS_MAX } from "../../shared/db/database.ts";
import type { Bindings } from "../bindings.ts";

export interface Sweeper extends Bindings {
	runtime: Runtime;
	/** The first one seals. None if the configuration is broken: the other steps go on without. */
	signingKeys: string[];
}

export interface Budget {
	/** Whether the step has time left, and room for `statements` more. Ask before each page; the next sweep goes on. */
	allows(statements: number): boolean;
}

/** @param reserved statements that are left to the steps after this one */
export function budgetOf(
	{ db, runtime }: { db: Database; runtime: Runtime },
	{ msMax, reserved }: { msMax: number; reserved: number },
): Budget {
	const stopAt = runtime.now() + msMax;
	return { allows: (statements) => runtime.now() < stopAt && db.statements + statements <= STATEMENTS_MAX - reserved };
}
