/** What one isolate keeps from one invocation to the next. It may be gone at any time. */
import { DatabaseClock } from "../shared/db/database-clock.ts";
import type { StorageHealth } from "../shared/storage/canary.ts";
import { FreshResults } from "../shared/storage/fresh-results.ts";

export class Isolate {
	/** Passes results from the consumer that stores them to a dispatcher. */
	readonly freshResults = new FreshResults();
	readonly databaseClock = new DatabaseClock();
	readonly storageHealth: StorageHealth = { mayPut: true };
}
