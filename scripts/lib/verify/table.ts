/** The outcomes of a run as an aligned table. */
import { styleText } from "node:util";
import type { Status } from "./check.ts";
import type { Row } from "./verify.ts";

const COLORS: Partial<Record<Status, "green" | "red" | "yellow">> = { ok: "green", failed: "red", skipped: "yellow" };

export function tableOf(rows: readonly Row[]): string[] {
	const nameWidth = Math.max(...rows.map(({ name }) => name.length));
	const statusWidth = Math.max(...rows.map(({ status }) => status.length));
	return rows.map(({ number, name, status, seen }) => {
		const color = COLORS[status];
		const padded = status.padEnd(statusWidth);
		const shown = color === undefined ? padded : styleText(color, padded);
		return `${String(number).padStart(2)}  ${name.padEnd(nameWidth)}  ${shown}  ${onOneLine(seen)}`;
	});
}

/** A message from elsewhere could hold line breaks, or escape codes for the operator's terminal. */
function onOneLine(text: string): string {
	return text.replace(/\p{Cc}+/gu, " ");
}

/** Such as "19 ok, 1 failed, 2 skipped". */
export function summaryOf(rows: readonly Row[]): string {
	const statuses: Status[] = ["ok", "failed", "only on Cloudflare", "skipped"];
	const counts = statuses.map((status) => ({ status, count: rows.filter((row) => row.status === status).length }));
	return counts.flatMap(({ status, count }) => (count === 0 ? [] : [`${count} ${status}`])).join(", ");
}
