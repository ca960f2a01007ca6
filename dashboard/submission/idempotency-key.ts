/** The idempotency key of what a form sends. */
import { useMemo } from "preact/hooks";

/**
 * One key for one body: a double click, or a request that is repeated because its response was lost, makes one job. Another
 * body makes another job, which the key of the first would refuse.
 */
export function useIdempotencyKey(body: unknown): string {
	return useMemo(() => crypto.randomUUID(), [JSON.stringify(body)]);
}
