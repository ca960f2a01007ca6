/** Erases what deleted tenants owned, page by page: rows first, so that no reader finds half a job, then R2 objects. */
import { newId } from "../../shared/core/ids.ts";
import {
	erasePage,
	findJobsToErase,
	findTenantsToErase,
	removeErasedTenants,
} from "../../shared/db/upkeep/delete-tenant.ts";
import { eraseObjects } from "../../shared/storage/erase-objects.ts";
import { keysOfJob } from "../../shared/storage/keys.ts";
import type { Budget, Sweeper } from "./sweeper.ts";

/** One R2 call deletes a page's objects: up to a thousand keys, a result and an input per job. */
const PAGE = 500;
/** Leaves D1 time to the other steps. The next sweep continues. */
const PAGES_MAX = 20;
const TENANTS_MAX = 20;
/** Per page. */
const STATEMENTS = 10;

/** A page of each tenant in turn, so that a large one does not keep a small one waiting. */
export async function eraseTenants(sweeper: Sweeper, budget: Budget): Promise<Record<string, number>> {
	const { db } = sweeper;
	let tenantJobsErased = 0;
	let waiting = await findTenantsToErase(db, TENANTS_MAX);
	for (let pages = 0; waiting.length > 0; ) {
		const unfinished: string[] = [];
		for (const tenantId of waiting) {
			if (pages++ >= PAGES_MAX || !budget.allows(STATEMENTS)) return { tenantJobsErased };
			const { jobs, isLast } = await eraseOnePage(sweeper, tenantId);
			tenantJobsErased += jobs;
			if (!isLast) unfinished.push(tenantId);
		}
		waiting = unfinished;
	}
	return { tenantJobsErased, tenantsErased: await removeErasedTenants(db, TENANTS_MAX) };
}

/** A crash after the transaction is harmless: the tombstone names the same objects. */
async function eraseOnePage({ db, objects, runtime }: Sweeper, tenantId: string) {
	const found = await findJobsToErase(db, tenantId, PAGE);
	const page = await erasePage(db, { tenantId, jobs: found, limit: PAGE }, newId("tmb", runtime));
	await eraseObjects(objects, page.jobs.flatMap(keysOfJob));
	return { jobs: page.jobs.length, isLast: page.rowsMax < PAGE };
}
