/**
 * S2: a job ends once, and what ended never changes. S8: whatever a reader can see changes with a growing version.
 * What was submitted stays as it was submitted.
 */
import type { Simulation } from "../simulate.ts";
import type { Row } from "../world/sql-engine.ts";
import { isFinalRow, numberOf } from "./rows.ts";

const VISIBLE = [
	"status",
	"status_reason",
	"model",
	"attempt",
	"run_at",
	"started_at",
	"finished_at",
	"usage",
	"error",
	"cancellation",
	"result_bytes",
] as const;

const SUBMITTED = [
	"models",
	"input",
	"input_key",
	"webhook",
	"metadata",
	"timeout_ms",
	"max_attempts",
	"retain_ms",
	"retry_of",
	"created_at",
	"deadline_at",
] as const;

export function watchOneEnd({ ledger, world }: Simulation): undefined {
	ledger.on("jobs", ({ id, before, after, by }) => {
		if (before === null || after === null) return;
		const differs = (columns: readonly string[]) => columns.find((column) => before[column] !== after[column]);
		const who = by?.name ?? "the world";

		const resubmitted = differs(SUBMITTED);
		if (resubmitted !== undefined) world.violate("S2", `${who} changed ${resubmitted} of ${id}`);
		const ended = isFinalRow(before) ? differs(columnsThatRest(after)) : undefined;
		if (ended !== undefined) {
			world.violate("S2", `${who} changed ${ended} of ${id}, which was ${before.status}, to ${after[ended]}`);
		}
		const grew = numberOf(after, "version") - numberOf(before, "version");
		const seen = differs(VISIBLE);
		if (grew < 0) world.violate("S8", `${who} made the version of ${id} smaller`);
		if (grew === 0 && seen !== undefined) world.violate("S8", `${who} changed ${seen} of ${id} and not its version`);
	});
}

/** All but the sweeper's own note of when to prune. */
function columnsThatRest(row: Row): string[] {
	return Object.keys(row).filter((column) => column !== "prune_at");
}
