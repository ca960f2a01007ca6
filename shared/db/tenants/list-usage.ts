/** A tenant's usage: one row a day and model, added up as jobs become final. Read by primary key. */
import { dateOf, dayOf, type UsageDay } from "../../core/tenants/usage-day.ts";
import { TODAY } from "../admission/tenant-limits.ts";
import type { Database } from "../database.ts";

/** Up to the last day, if the query has no first day. */
const DEFAULT_DAYS = 30;
/** In the year 9999. */
const LAST_DAY = 2_932_896;

export interface UsageQuery {
	tenantId: string;
	/** The first day, included. Null: 30 days up to `to`. */
	from: string | null;
	/** The last day, included. Null: today. */
	to: string | null;
	/** The last row of the previous page. */
	after: Pick<UsageDay, "date" | "model"> | null;
	isAscending: boolean;
	limit: number;
}

interface UsageRow {
	day: number;
	model: string;
	jobs: number;
	succeeded: number;
	prompt_tokens: number;
	completion_tokens: number;
	total_tokens: number;
	estimated_tokens: number;
}

/** In order of day and model. */
export async function listUsage(db: Database, query: UsageQuery): Promise<UsageDay[]> {
	const { after, isAscending } = query;
	const [comparison, direction] = isAscending ? [">", "ASC"] : ["<", "DESC"];
	// Days before the cursor are not read again.
	const [lower, upper] = isAscending ? ["coalesce(?5, 0)", LAST_DAY] : [0, `coalesce(?5, ${LAST_DAY})`];
	const rows = await db.all<UsageRow>("list usage", {
		sql: `SELECT day, model, jobs, succeeded, prompt_tokens, completion_tokens, total_tokens, estimated_tokens FROM usage
		       WHERE tenant_id = ?2 AND (?5 IS NULL OR (day, model) ${comparison} (?5, ?6))
		         AND day >= max(coalesce(?3, coalesce(?4, ${TODAY}) - ${DEFAULT_DAYS - 1}), ${lower})
		         AND day <= min(coalesce(?4, ${LAST_DAY}), ${upper})
		       ORDER BY day ${direction}, model ${direction} LIMIT ?7`,
		params: [
			db.clock(),
			query.tenantId,
			dayOrNull(query.from),
			dayOrNull(query.to),
			dayOrNull(after?.date ?? null),
			after?.model ?? null,
			query.limit,
		],
	});
	return rows.map((row) => ({
		date: dateOf(row.day),
		model: row.model,
		jobs: row.jobs,
		succeeded: row.succeeded,
		promptTokens: row.prompt_tokens,
		completionTokens: row.completion_tokens,
		totalTokens: row.total_tokens,
		estimatedTokens: row.estimated_tokens,
	}));
}

const RECENT_DAYS = 30;
const RECENT_ROWS_MAX = 300;

/** Models that the tenant's jobs used in the last 30 days, the latest first: those of 300 rows at most. `other` names none. */
export async function listUsedModels(db: Database, tenantId: string): Promise<string[]> {
	const rows = await db.all<Pick<UsageRow, "model">>("list used models", {
		sql: `SELECT model FROM usage WHERE tenant_id = ?2 AND day > ${TODAY} - ?3 AND model <> 'other' ORDER BY day DESC LIMIT ?4`,
		params: [db.clock(), tenantId, RECENT_DAYS, RECENT_ROWS_MAX],
	});
	return [...new Set(rows.map(({ model }) => model))];
}

function dayOrNull(date: string | null): number | null {
	return date === null ? null : dayOf(date);
}
