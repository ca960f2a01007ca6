import { StorageUnavailable } from "../core/errors.ts";

/**
 * Makes a write once more if the response to it was lost, as the write may have taken effect: a caller who sent the whole
 * request again would make a second row, or another secret.
 *
 * `write` must be safe to repeat: ids, secrets and times are chosen before the call, so that both calls write the same row,
 * and the statement returns that row also where it is there already. `isRepeat` is true on the second call.
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
