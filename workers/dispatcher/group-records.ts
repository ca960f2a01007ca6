/** Attempts of one invocation: those that end while others are being recorded share the next transaction. */
import type { GroupCommit } from "../../shared/core/group-commit.ts";
import type { Database } from "../../shared/db/database.ts";
import { type DeliveryRecord, type Recorded, recordDeliveries } from "../../shared/db/deliveries/record-deliveries.ts";

export type Records = GroupCommit<DeliveryRecord, Recorded>;

export function groupRecords(db: Database): Records {
	return db.grouped(async function writeRecords(records: DeliveryRecord[]) {
		return await recordDeliveries(db, records);
	});
}
