/** Erases what deleted tenants owned, page by page: rows first, so that no reader finds half a job, then R2 objects. */
import { newId } from "../../shared/core/ids.ts";
import {
	erasePage,
	findErasedTenants,
	findJobsToErase,
	findTenantsToErase,
	removeErasedTenants,
} from "../../shared/db/upkeep/delete-tenant.ts";
import { eraseObjects, listInputs } from "../../shared/storage/erase-objects.ts";
import { inputsOfTenant, keysOfJob } from "../../shared/storage/keys.ts";
import type { Budget, Sweeper } from "./sweeper.ts";

/** One R2 call deletes a page's objects: up to a thousand keys, a result and an input per job. */
const PAGE = 500;
/** Leaves D1 time to the other steps. The next sweep continues. */
const PAGES_MAX = 20;
const TENANTS_MAX = 20;
/** Per page. */
const STATEMENTS = 10;
const DAY_MS = 86_400_000;
/** Older inputs without a job are reaped already. */
const INPUT_DAYS = 3;

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
	return { tenantJobsErased, tenantsErased: await removeTenants(sweeper, budget) };
}

/** Inputs of submissions that made no job go before the rows of their tenants. */
async function removeTenants(sweeper: Sweeper, budget: Budget): Promise<number> {
	const { db, runtime } = sweeper;
	const erased: string[] = [];
	for (const tenantId of await findErasedTenants(db, TENANTS_MAX)) {
		const days = Array.from({ length: INPUT_DAYS }, (_, day) => runtime.now() - day * DAY_MS);
		for (const day of days) {
			if (!(await eraseInputs(sweeper, inputsOfTenant(tenantId, day), budget))) {
				return await removeErasedTenants(db, erased);
			}
		}
		erased.push(tenantId);
	}
	return await removeErasedTenants(db, erased);
}

/** False: there was no budget for all of them. */
async function eraseInputs({ objects }: Sweeper, prefix: string, budget: Budget): Promise<boolean> {
	while (budget.allows(1, 2)) {
		const { inputs, next } = await listInputs(objects, prefix, null);
		await eraseObjects(
			objects,
			inputs.map(({ key }) => key),
		);
		if (next === null) return true;
	}
	return false;
}

/** A crash after the transaction is harmless: the tombstone names the same objects. */
async function eraseOnePage({ db, objects, runtime }: Sweeper, tenantId: string) {
	const found = await findJobsToErase(db, tenantId, PAGE);
	const page = await erasePage(db, { tenantId, jobs: found, limit: PAGE }, newId("tmb", runtime));
	await eraseObjects(objects, page.jobs.flatMap(keysOfJob));
	return { jobs: page.jobs.length, isLast: page.rowsMax < PAGE };
}
