/**
 * An input is stored before the row that names it, so a submission that crashed in between leaves an orphan. Once a day, the
 * inputs of the day before yesterday that belong to no job are deleted: their keys start with the day.
 */
import { filterExisting } from "../../shared/db/jobs/filter-existing.ts";
import { readNote, writeNote } from "../../shared/db/upkeep/sweeper-notes.ts";
import { eraseObjects, listInputs } from "../../shared/storage/erase-objects.ts";
import type { Budget, Sweeper } from "./sweeper.ts";

const DAY_MS = 86_400_000;
/** Each has a thousand inputs. A day with more takes several sweeps. */
const PAGES_MAX = 10;
/** For one page, and for the notes afterwards. */
const STATEMENTS = 3;

export async function reapInputs({ db, objects, runtime }: Sweeper, budget: Budget): Promise<{ inputsReaped: number }> {
	const lastFullDay = startOfDay(runtime.now()) - 2 * DAY_MS;
	const note = await readNote(db, "inputs_reaped_until");
	const day = note === null ? lastFullDay : Number(note) + DAY_MS;
	if (day > lastFullDay) return { inputsReaped: 0 };

	let inputsReaped = 0;
	let cursor: string | null = (await readNote(db, "inputs_reap_cursor")) || null;
	let isDone = false;
	for (let pages = 0; !isDone && pages < PAGES_MAX && budget.allows(STATEMENTS); pages++) {
		const page = await listInputs(objects, day, cursor);
		const known = await filterExisting(db, page.inputs);
		const orphans = page.inputs.filter(({ jobId }) => !known.has(jobId)).map(({ key }) => key);
		await eraseObjects(objects, orphans);
		inputsReaped += orphans.length;
		cursor = page.next;
		isDone = cursor === null;
	}
	await writeNote(db, "inputs_reap_cursor", cursor ?? "");
	if (isDone) await writeNote(db, "inputs_reaped_until", String(day));
	return { inputsReaped };
}

function startOfDay(ms: number): number {
	return Math.floor(ms / DAY_MS) * DAY_MS;
}
