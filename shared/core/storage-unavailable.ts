/** D1 or R2 did not answer, or not in time. Whether a write took effect is unknown: read it back, never repeat it blindly. */
export class StorageUnavailable extends Error {
	/** @param what it was to do, as in "lease jobs" */
	constructor(what: string, cause: unknown) {
		super(`Storage did not respond: ${what}`, { cause });
		this.name = "StorageUnavailable";
	}
}
