/** What rotating a signing secret takes: a tenant's, or an endpoint's. */
import { z } from "@hono/zod-openapi";

const OVERLAP_MS = 24 * 3_600_000;

export const RotateSecret = z
	.strictObject({ keep_old_secret_active_for_24_hours: z.boolean().default(false) })
	.openapi("RotateSecret");

/** How long the old secret goes on signing beside the new one; 0: it dies at once. */
export function keepOldMs(request: z.infer<typeof RotateSecret>): number {
	return request.keep_old_secret_active_for_24_hours ? OVERLAP_MS : 0;
}
