/** What a request holds of its isolate's, such as memory or a place in a queue. */
import type { Context } from "hono";

/**
 * Runs `work`, and then `release`, which may be called twice. If the caller leaves, the platform cancels the request: only the
 * listeners of its signal run then, and no `finally`.
 */
export async function releaseAfter<T>(c: Context, release: () => void, work: () => Promise<T>): Promise<T> {
	c.req.raw.signal.addEventListener("abort", release);
	try {
		return await work();
	} finally {
		release();
	}
}
