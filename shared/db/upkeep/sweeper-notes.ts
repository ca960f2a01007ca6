/** What the sweeper remembers from one sweep to the next. */
import { type Database, NOW } from "../database.ts";

export type NoteName = "inputs_reaped" | "signing_key_seen" | "reseal_cursor" | "slot_cursor" | "last_sweep";

export async function readNote(db: Database, name: NoteName): Promise<string | null> {
	const row = await db.first<{ value: string }>("read sweeper note", {
		sql: "SELECT value FROM sweeper_notes WHERE name = ?1",
		params: [name],
	});
	return row?.value ?? null;
}

export async function writeNote(db: Database, name: NoteName, value: string): Promise<void> {
	await db.all("write sweeper note", {
		sql: `INSERT INTO sweeper_notes (name, value, updated_at) VALUES (?2, ?3, ${NOW})
		      ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at`,
		params: [db.clock(), name, value],
	});
}
