/** Counts the open work of each tenant, for the charts and for what no index of a tenant has. */
import { samplesOf } from "../../shared/core/tenants/backlog.ts";
import { readOpenWork, writeBacklog } from "../../shared/db/upkeep/sample-backlog.ts";
import type { Budget, Sweeper } from "./sweeper.ts";

/** Tenants a transaction. */
const PAGE = 500;
const READS = 3;
const WRITES = 2;

export async function sampleBacklog({ db }: Sweeper, budget: Budget) {
	if (!budget.allows(READS + WRITES)) return {};
	const work = await readOpenWork(db);
	const samples = samplesOf(work);
	for (let at = 0; at < samples.length && budget.allows(WRITES); at += PAGE) {
		await writeBacklog(db, samples.slice(at, at + PAGE), work.isCut);
	}
	return { backlogCut: work.isCut ? 1 : 0 };
}
