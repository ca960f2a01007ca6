/**
 * A tenant's usage: one row an hour and model, added up as jobs become final, and one a day and model from before hours were
 * counted. Read by primary key, and no more than a page of each.
 */
import { z } from "zod";
import { BUCKET_SECONDS, dayOf, type UsageRow } from "../../core/tenants/usage.ts";
import { TODAY } from "../admission/tenant-limits.ts";
import { column } from "../columns.ts";
import { type Database, NOW } from "../database.ts";

/** Thirty days of five models. A whole day fits: it has 24 × 101 at most. */
export const USAGE_ROWS_MAX = 3_600;
/** Up to the last day, if the query has no first day. */
const DEFAULT_DAYS = 30;
/** After the year 9999. */
const END_OF_TIME = 2_932_897 * 24;

export interface UsageQuery {
	tenantId: string;
	/** The first day, included. Null: 30 days up to `to`. */
	from: string | null;
	/** The last day, included. Null: today. */
	to: string | null;
	/** The last of the previous page: an hour, or a day and model. */
	after: { hour: number } | { date: string; model: string } | null;
	isAscending: boolean;
	/** How many rows are read at most. Null: as many as fit. */
	rowsMax: number | null;
	/** A page has whole ones: of 24 hours, or one. Single hours lack the days from before hours were counted. */
	hoursOfUnit: 24 | 1;
}

const Row = z
	.object({
		hour: z.number(),
		model: z.string(),
		jobs: z.number(),
		succeeded: z.number(),
		prompt_tokens: z.number(),
		completion_tokens: z.number(),
		total_tokens: z.number(),
		estimated_tokens: z.number(),
		ends: column(z.tuple([z.number(), z.number(), z.number(), z.array(z.number()), z.array(z.number())])).nullable(),
	})
	.transform(({ hour, model, jobs, succeeded, ends, ...row }): UsageRow => {
		const tokens = {
			promptTokens: row.prompt_tokens,
			completionTokens: row.completion_tokens,
			totalTokens: row.total_tokens,
			estimatedTokens: row.estimated_tokens,
		};
		if (ends === null) return { hour, model, jobs, succeeded, ...tokens, ends };
		const [failed, cancelled, expired, wait, run] = ends;
		return { hour, model, jobs, succeeded, ...tokens, ends: { failed, cancelled, expired, wait, run } };
	});

const TOKENS = "prompt_tokens, completion_tokens, total_tokens, estimated_tokens";
const bucketsOf = (name: string) => `json_array(${[...BUCKET_SECONDS, 0].map((_, at) => `${name}_${at}`).join(", ")})`;
const HOUR_COLUMNS = `hour, model, succeeded + failed + cancelled + expired AS jobs, succeeded, ${TOKENS},
	json_array(failed, cancelled, expired, ${bucketsOf("wait")}, ${bucketsOf("run")}) AS ends`;
const DAY_COLUMNS = `day * 24 AS hour, model, jobs, succeeded, ${TOKENS}, NULL AS ends`;

/** Of the first hour that is read, and the one after the last. */
const FROM = `max(coalesce(?3, coalesce(?4, ${TODAY}) - ${DEFAULT_DAYS - 1}) * 24, ?5)`;
const END = `coalesce((?4 + 1) * 24, ${END_OF_TIME})`;

/** In order of time. `isCut`: there are more than fit. */
export async function listUsage(db: Database, query: UsageQuery): Promise<{ rows: UsageRow[]; isCut: boolean }> {
	const { after, isAscending, hoursOfUnit } = query;
	const rowsMax = query.rowsMax ?? USAGE_ROWS_MAX;
	const [comparison, direction] = isAscending ? [">", "ASC"] : ["<", "DESC"];
	const isAfter = (day: string) => `(?7 IS NULL OR (${day}, model) ${comparison} (?7, ?8))`;
	const hours = `SELECT ${HOUR_COLUMNS} FROM usage_hours
		 WHERE tenant_id = ?2 AND hour >= ${FROM} AND hour < min(${END}, ?6) AND ${isAfter("hour / 24")}
		 ORDER BY hour ${direction} LIMIT ?9 + 1`;
	const days = `SELECT ${DAY_COLUMNS} FROM usage
		 WHERE tenant_id = ?2 AND day >= ${FROM} / 24 AND day < min(${END}, ?6) / 24 AND ${isAfter("day")}
		 ORDER BY day ${direction} LIMIT ?9 + 1`;
	const day = after !== null && "date" in after ? dayOf(after.date) : null;
	const params = [
		...[db.clock(), query.tenantId, dayOrNull(query.from), dayOrNull(query.to)],
		...boundsOf(query, day),
		...[day, after !== null && "model" in after ? after.model : null, rowsMax],
	];
	const statements = (hoursOfUnit === 1 ? [hours] : [hours, days]).map((sql) => ({ sql, params }));
	const found = z.array(Row).parse((await db.transact("list usage", statements)).flat());
	const sorted = found.sort((a, b) => (isAscending ? a.hour - b.hour : b.hour - a.hour));
	const cut = sorted[rowsMax];
	const unitOf = ({ hour }: UsageRow) => Math.floor(hour / hoursOfUnit);
	return {
		rows: cut === undefined ? sorted : sorted.slice(0, rowsMax).filter((row) => unitOf(row) !== unitOf(cut)),
		isCut: cut !== undefined,
	};
}

/** Hours before the cursor are not read again: from the first number on, and below the second. */
function boundsOf({ after, isAscending, hoursOfUnit }: UsageQuery, day: number | null): [number, number] {
	if (after === null) return [0, END_OF_TIME];
	const [first, end] =
		"hour" in after ? [after.hour + hoursOfUnit, after.hour] : [(day ?? 0) * 24, ((day ?? 0) + 1) * 24];
	return isAscending ? [first, END_OF_TIME] : [0, end];
}

const RECENT_DAYS = 30;

/** The last sweep wrote to the present hour or to the one before. */
const LAST_MS = 3_780_000;

/**
 * Models that the tenant's jobs used in the last 30 days, the latest first: as far as as many rows go. `other` names none. Then those
 * for which jobs were queued at the last sweep.
 */
export async function listUsedModels(db: Database, tenantId: string): Promise<string[]> {
	const recent = (table: string, time: string, perDay: number) =>
		`SELECT * FROM (SELECT model FROM ${table} WHERE tenant_id = ?2 AND ${time} > (${TODAY} - ?3) * ${perDay} AND model <> 'other'
		 ORDER BY ${time} DESC LIMIT ?4)`;
	const rows = await db.all<{ model: string }>("list used models", {
		sql: `${recent("usage_hours", "hour", 24)} UNION ALL ${recent("usage", "day", 1)}
		 UNION ALL SELECT key FROM json_each(coalesce((SELECT models FROM backlog WHERE tenant_id = ?2 AND minutes = 60
		                                                AND start_at >= ${NOW} - ${LAST_MS} ORDER BY start_at DESC LIMIT 1), '{}'))`,
		params: [db.clock(), tenantId, RECENT_DAYS, USAGE_ROWS_MAX],
	});
	return [...new Set(rows.map(({ model }) => model))];
}

function dayOrNull(date: string | null): number | null {
	return date === null ? null : dayOf(date);
}
