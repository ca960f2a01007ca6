/** What a sweeper works with. */
import type { Runtime } from "../../shared/core/runtime.ts";
import type { Database } from "../../shared/db/database.ts";

export interface Sweeper {
	db: Database;
	results: R2Bucket;
	jobQueue: Queue;
	deliveryQueue: Queue;
	runtime: Runtime;
}
