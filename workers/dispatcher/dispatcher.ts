/** What a dispatcher works with, in one invocation. */
import type { Config } from "../../shared/core/config.ts";
import type { GroupCommit } from "../../shared/core/group-commit.ts";
import type { Runtime } from "../../shared/core/runtime.ts";
import { firstWaitMs } from "../../shared/core/webhooks/delivery-schedule.ts";
import type { HostLimits } from "../../shared/core/webhooks/host-limits.ts";
import { type Postponement, postponeDeliveries } from "../../shared/db/deliveries/postpone-deliveries.ts";
import { type DeliveryRecord, type Recorded, recordDeliveries } from "../../shared/db/deliveries/record-deliveries.ts";
import type { FreshResults } from "../../shared/storage/fresh-results.ts";
import type { HostCache } from "../../shared/webhooks/host-cache.ts";
import type { Bindings } from "../bindings.ts";

export interface Dispatcher extends Bindings {
	config: Config;
	runtime: Runtime;
	freshResults: FreshResults;
	hosts: HostCache;
	hostLimits: HostLimits;
	/** Work that outlives the messages. If it dies, the sweeper finds its delivery in D1. */
	background: (work: Promise<void>) => void;
	/** `recordDeliveries`, grouped: attempts that end while others are being recorded share the next transaction. */
	records: GroupCommit<DeliveryRecord, Recorded>;
	/** `postponeDeliveries`, grouped alike. */
	postponements: GroupCommit<Postponement, number | null>;
}

export function newDispatcher(parts: Omit<Dispatcher, "records" | "postponements">): Dispatcher {
	const { db, config } = parts;
	return {
		...parts,
		records: db.grouped(async function writeRecords(records: DeliveryRecord[]) {
			return await recordDeliveries(db, records, firstWaitMs(config.deliveryScheduleMs));
		}),
		postponements: db.grouped(async function writePostponements(postponements: Postponement[]) {
			return await postponeDeliveries(db, postponements, Math.ceil(1_000 / config.webhookLimit.aSecond));
		}),
	};
}
