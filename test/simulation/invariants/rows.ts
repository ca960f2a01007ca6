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

interface RecordedCall {
	number: number;
	fence: number;
	counted: boolean;
	model: string;
	outcome: string;
}

export function attemptsOf(row: Row): RecordedCall[] {
	return JSON.parse(textOf(row, "attempts")) as RecordedCall[];
}

/** A job's own webhook; null: it has none. */
export function webhookOf(row: Row): { url: string; payload: string; events: string[] | null } | null {
	return row.webhook === null ? null : JSON.parse(textOf(row, "webhook"));
}

/** What `deliveries.receiver_key` is computed as: the registered endpoint, or a one-off URL; its origin in a row of before. */
export function receiverOf(delivery: Row): string {
	const origin = textOf(delivery, "url").split("/").slice(0, 3).join("/");
	return `receiver:${delivery.tenant_id} ${delivery.endpoint_id ?? delivery.url_digest ?? origin}`;
}

interface RecordedDeliveryAttempt {
	status: number | null;
	error: string | null;
}

/** The last attempt at a delivery. */
export function lastAttemptOf(delivery: Row): RecordedDeliveryAttempt | null {
	return (JSON.parse(textOf(delivery, "attempts")) as RecordedDeliveryAttempt[]).at(-1) ?? null;
}

/** Whether its receiver was asked at all. */
export function wasAsked({ error }: RecordedDeliveryAttempt): boolean {
	return !(error ?? "").startsWith("Not sent");
}
