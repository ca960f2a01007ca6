/**
 * What a job may wait for besides its time, as SQL. A job is parked on one such key; a breaker's own key is the one that its
 * jobs are parked on. `breakerKeysOf` makes the same keys in TypeScript.
 */

/** For jobs that wait for their tenant's slots or budget. */
export const tenantKey = (tenant: string) => `'tenant:' || ${tenant}`;
/** The tenant in such a key; null for any other key. */
export const tenantOfKey = (key: string) => `CASE WHEN ${key} LIKE 'tenant:%' THEN substr(${key}, 8) END`;

/** Of the breakers that all tenants share. @param job a row with `credential` and `model` */
export const credentialKey = (job: string) => `'credential:' || ${job}.credential`;
export const modelKey = (job: string) => `'model:' || ${job}.credential || '|' || ${job}.model`;

/** Of the breaker of one tenant at the same upstream. */
export const ownKey = (tenant: string, sharedKey: string) => `'own:' || ${tenant} || '|' || ${sharedKey}`;

/** The breakers that the job's next call depends on. @param job a row with `tenant_id`, `credential` and `model` */
export const breakerKeys = (job: string) => `(
	${ownKey(`${job}.tenant_id`, credentialKey(job))}, ${ownKey(`${job}.tenant_id`, modelKey(job))},
	${credentialKey(job)}, ${modelKey(job)})`;
