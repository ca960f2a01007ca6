/** Another version of the service that serves beside ours: what it writes has other fields. */
import type { Ledger } from "../ledger.ts";
import type { Service } from "./service.ts";

/** Entries of a history as they might be: without what is new, or with what is gone. */
const ENTRIES = [`[{"number":1,"fence":0}]`, `[{"number":1,"fence":0,"model":7,"outcome":null,"usage":"8"}]`] as const;

export function writeAsAnotherVersion({ world, database, bucket }: Service, ledger: Ledger): void {
	const { dice, options } = world;
	if (options.otherVersions === 0) return;
	const isOther = () => world.hasFaults && dice.chance(options.otherVersions);
	ledger.on("jobs", ({ id, before }) => {
		if (before !== null || !isOther()) return;
		const entries = dice.pick(ENTRIES);
		world.after(0, () => database.look("UPDATE jobs SET attempts = ?1 WHERE id = ?2 AND fence = 0", entries, id));
	});
	bucket.onChange(({ kind, key }) => {
		const object = bucket.objects.get(key);
		if (kind === "put" && object !== undefined && key.startsWith("results/") && isOther())
			object.customMetadata = { attempt: `{"since":"another version"}` };
	});
}
