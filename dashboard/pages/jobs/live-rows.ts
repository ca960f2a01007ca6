/**
 * How a list that people read stays true: its rows change in place, those that left the filter go, and jobs that are new wait until
 * the reader asks for them. Ids of jobs increase with time.
 */
import type { Job } from "../../../client/schemas.ts";

interface Row {
	id: string;
}

export interface JobPage<One extends Row = Job> {
	data: One[];
	/** The page shows what there is of the jobs after this one. Null: of all jobs. */
	nextAfter: string | null;
}

/** The rows as the newest page has them. Those that it does not reach stay as they are. */
export function patched<One extends Row>(rows: One[], page: JobPage<One>): One[] {
	const newer = new Map(page.data.map((job) => [job.id, job]));
	const isReached = ({ id }: Row) => page.nextAfter === null || id > page.nextAfter;
	return rows.flatMap((row) => newer.get(row.id) ?? (isReached(row) ? [] : row));
}

/** The jobs of the page that are newer than all rows. */
export function unseen<One extends Row>(rows: One[], page: JobPage<One>): One[] {
	const newest = rows[0]?.id ?? "";
	return page.data.filter(({ id }) => id > newest);
}

/** The keys of the rows between two, both included. */
export function between(rows: Row[], from: string, to: string): string[] {
	const [a, b] = [from, to].map((key) => rows.findIndex(({ id }) => id === key));
	if (a === undefined || b === undefined || a < 0 || b < 0) return [to];
	return rows.slice(Math.min(a, b), Math.max(a, b) + 1).map(({ id }) => id);
}
