/** What `npm start` says about jobs: a line each while they are few, a count once they are many. Pure. */
import { smallestIdAt } from "../../../shared/core/ids.ts";

/** New jobs in one reading, and open jobs with a line of their own, beyond which they are counted. */
const NEW_MAX = 5;
const OPEN_MAX = 20;

/** A job's id has the time at which its request began, and its row appears later. A row later than this is only counted. */
const APPEARS_WITHIN_MS = 10_000;

export interface JobNow {
	id: string;
	status: string;
	reason: string | null;
	/** From submission to the final state. Null: the job is open. */
	durationMs: number | null;
}

export interface Reading {
	open: number;
	/** Since the database was created, and how many of them succeeded. */
	finished: number;
	succeeded: number;
	/** Those that `wanted` names. May be cut off beyond a hundred. */
	jobs: JobNow[];
}

export class JobFeed {
	#countedUntil: string;
	#last: Omit<Reading, "jobs">;
	/** Jobs with a line of their own, and whether that said how they ended. */
	readonly #shown = new Map<string, { isFinal: boolean }>();

	/** Says nothing about jobs that were submitted or finished before `first` was read. */
	constructor(nowMs: number, first: Omit<Reading, "jobs">) {
		this.#countedUntil = smallestIdAt("job", nowMs);
		this.#last = first;
	}

	/** The jobs to read: those with an id above `since`, and those of `ids`. */
	wanted(nowMs: number): { since: string; ids: string[] } {
		const recent = smallestIdAt("job", nowMs - APPEARS_WITHIN_MS);
		const since = recent > this.#countedUntil ? recent : this.#countedUntil;
		for (const [id, { isFinal }] of this.#shown) if (isFinal && id < since) this.#shown.delete(id);
		const open = [...this.#shown].filter(([, { isFinal }]) => !isFinal);
		return { since, ids: open.map(([id]) => id) };
	}

	/** The lines to print since the reading before. */
	linesFor(nowMs: number, { jobs, ...totals }: Reading): string[] {
		const finished = Math.max(0, totals.finished - this.#last.finished);
		const submitted = Math.max(0, totals.open - this.#last.open + finished);
		const failed = Math.max(0, finished - Math.max(0, totals.succeeded - this.#last.succeeded));
		this.#last = totals;
		const count = countLine({ submitted, finished, failed, open: totals.open });

		const added = jobs.filter(({ id }) => !this.#shown.has(id));
		const stillOpen = jobs.filter(({ durationMs }) => durationMs === null);
		if (added.length > NEW_MAX || stillOpen.length > OPEN_MAX) {
			this.#countedUntil = smallestIdAt("job", nowMs);
			this.#shown.clear();
			return [count];
		}
		const changed = jobs.filter(({ id, durationMs }) => {
			const known = this.#shown.get(id);
			return known === undefined || (durationMs !== null && !known.isFinal);
		});
		for (const { id, durationMs } of changed) this.#shown.set(id, { isFinal: durationMs !== null });
		const ended = changed.filter(({ durationMs }) => durationMs !== null);
		// Others finished that have no lines of their own, such as the last ones of a burst.
		return [...changed.map(jobLine), ...(finished > ended.length ? [count] : [])];
	}
}

function jobLine({ id, status, reason, durationMs }: JobNow): string {
	if (durationMs === null) return `${id} ${status}`;
	const why = status === "succeeded" || reason === null ? "" : `: ${reason}`;
	const duration = durationMs < 1_000 ? `${durationMs} ms` : `${(durationMs / 1_000).toFixed(1)} s`;
	return `${id} ${status} in ${duration}${why}`;
}

function countLine(counts: { submitted: number; finished: number; failed: number; open: number }): string {
	const { submitted, finished, failed, open } = counts;
	const without = failed === 0 ? "" : ` (${failed} without a result)`;
	return `jobs: ${submitted} submitted, ${finished} finished${without}, ${open} open`;
}
