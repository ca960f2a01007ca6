/**
 * An input is stored before the row that names it, so a submission that crashed in between leaves an orphan. Once a day,
 * yesterday's inputs that belong to no job are deleted: their keys start with the day.
 */
import { z } from "zod";
import { filterExisting } from "../../shared/db/jobs/filter-existing.ts";
import { readNote, writeNote } from "../../shared/db/upkeep/sweeper-notes.ts";
import { eraseObjects, listInputs } from "../../shared/storage/erase-objects.ts";
import { inputsOfDay } from "../../shared/storage/keys.ts";
import type { Budget, Sweeper } from "./sweeper.ts";

const DAY_MS = 86_400_000;
/** Longer than a submission takes, and than clocks differ. */
const IN_FLIGHT_MS = 3_600_000;
/** Each has a thousand inputs. A day with more takes several sweeps. */
const PAGES_MAX = 10;
/** For one page, and for the note afterwards. */
const STATEMENTS = 2;

/** Day and cursor in one note: a cursor is never used for another day. A null cursor: the day is done. */
const Progress = z.object({ day: z.number(), cursor: z.string().nullable() });

export async function reapInputs({ db, objects, runtime }: Sweeper, budget: Budget): Promise<{ inputsReaped: number }> {
	const lastDay = startOfDay(runtime.now() - IN_FLIGHT_MS) - DAY_MS;
	const note = await readNote(db, "inputs_reaped");
	const last = note === null ? { day: lastDay - DAY_MS, cursor: null } : Progress.parse(JSON.parse(note));
	const day = last.cursor === null ? last.day + DAY_MS : last.day;
	if (day > lastDay) return { inputsReaped: 0 };

	let inputsReaped = 0;
	let { cursor } = last;
	let isDone = false;
	let pages = 0;
	for (; !isDone && pages < PAGES_MAX && budget.allows(STATEMENTS); pages++) {
		const page = await listInputs(objects, inputsOfDay(day), cursor);
		const known = await filterExisting(db, page.inputs);
		const orphans = page.inputs.filter(({ jobId }) => !known.has(jobId)).map(({ key }) => key);
		await eraseObjects(objects, orphans);
		inputsReaped += orphans.length;
		cursor = page.next;
		isDone = cursor === null;
	}
	if (pages > 0) await writeNote(db, "inputs_reaped", JSON.stringify({ day, cursor }));
	return { inputsReaped };
}

function startOfDay(ms: number): number {
	return Math.floor(ms / DAY_MS) * DAY_MS;
}
