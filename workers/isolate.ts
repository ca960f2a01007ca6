/** What one isolate keeps from one invocation to the next. It may be gone at any time. */
import { MemoryBudget } from "../shared/core/memory-budget.ts";
import { HostLimits } from "../shared/core/webhooks/host-limits.ts";
import { DatabaseClock } from "../shared/db/database-clock.ts";
import type { StorageHealth } from "../shared/storage/canary.ts";
import { FreshResults } from "../shared/storage/fresh-results.ts";
import { HostCache } from "../shared/webhooks/host-cache.ts";

export class Isolate {
	/** Passes results from the consumer that stores them to a dispatcher. */
	readonly freshResults = new FreshResults();
	readonly databaseClock = new DatabaseClock();
	/** For the bodies of requests, and the inputs and answers of calls, together. */
	readonly memory = new MemoryBudget();
	readonly storageHealth: StorageHealth = { mayPut: true };
	readonly hosts = new HostCache();
	readonly hostLimits = new HostLimits();
}
