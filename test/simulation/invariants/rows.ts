/** Reads rows as the ledger keeps them. */
import type { Row } from "../world/sql-engine.ts";

export function numberOf(row: Row | null, column: string): number {
	return Number(row?.[column] ?? 0);
}

export function textOf(row: Row | null, column: string): string {
	return String(row?.[column] ?? "");
}

export function isFinalRow(row: Row | null): boolean {
	return row !== null && row.finished_at !== null;
}

export interface AttemptTold {
	number: number;
	lease: number;
	counted: boolean;
	model: string;
	outcome: string;
}

export function attemptsOf(row: Row): AttemptTold[] {
	return JSON.parse(textOf(row, "attempts")) as AttemptTold[];
}

/** The events that a job's own webhook wants; null: it has none. */
export function eventsWanted(row: Row): readonly string[] | "all" | null {
	if (row.webhook === null) return null;
	return (JSON.parse(textOf(row, "webhook")) as { events: string[] | null }).events ?? "all";
}
