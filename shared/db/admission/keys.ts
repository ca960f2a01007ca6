/**
 * What a job may wait for besides its time, as SQL: a job is parked on one such key, and a breaker has the key that its jobs
 * are parked on. The TypeScript of a breaker's keys is `breakerKeysOf`.
 */

/** Of jobs that wait for their tenant's slots or budget. */
export const tenantKey = (tenant: string) => `'tenant:' || ${tenant}`;
/** The tenant that such a key names; null of any other key. */
export const tenantOfKey = (key: string) => `CASE WHEN ${key} LIKE 'tenant:%' THEN substr(${key}, 8) END`;

/** @param job a row with `credential` and `model` */
export const credentialKey = (job: string) => `'credential:' || ${job}.credential`;
export const modelKey = (job: string) => `'model:' || ${job}.credential || '|' || ${job}.model`;
/** The breakers that the job's next call depends on. */
export const breakerKeys = (job: string) => `(${credentialKey(job)}, ${modelKey(job)})`;
