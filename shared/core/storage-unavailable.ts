/** D1 or R2 did not answer, or not in time. Whether a write took effect is unknown: read it back, never repeat it blindly. */
export class StorageUnavailable extends Error {
	constructor(cause: unknown) {
		super("The storage did not answer", { cause });
		this.name = "StorageUnavailable";
	}
}
