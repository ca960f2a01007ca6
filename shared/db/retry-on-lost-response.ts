import { StorageUnavailable } from "../core/errors.ts";

/**
 * Repeats a write once if its response was lost, because it may have taken effect. Without this, a caller who repeats the
 * request would create a second row, or another secret.
 *
 * `write` must be safe to repeat: ids, secrets and times are chosen before the call, so that both calls write the same row,
 * and the statement returns that row also if it exists already. `isRepeat` is true on the second call.
 *
 *     const stored = await retryOnLostResponse(() => createApiKey(db, key, by));
 *
 * Any other error, and a second lost response, reject.
 */
export async function retryOnLostResponse<T>(write: (isRepeat: boolean) => Promise<T>): Promise<T> {
	try {
		return await write(false);
	} catch (error) {
		if (!(error instanceof StorageUnavailable)) throw error;
		return await write(true);
	}
}
