/** Times on the wire. Webhook endpoints and events use Unix seconds instead, as OpenAI's SDK does. */
import { z } from "@hono/zod-openapi";

/** In a response: RFC 3339 in UTC, with milliseconds. */
export const time = z.iso.datetime({ precision: 3 });

/** In a request: RFC 3339 with any offset. */
export const timeInput = z.iso.datetime({ offset: true });

export function timestamp(ms: number): string {
	return new Date(ms).toISOString();
}

export function timestampOrNull(ms: number | null): string | null {
	return ms === null ? null : timestamp(ms);
}

export function toUnixSeconds(ms: number): number {
	return Math.floor(ms / 1000);
}
