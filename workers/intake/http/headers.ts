/** Headers that several routes read or write. */
import type { Context } from "hono";
import type { Job } from "../../../shared/core/jobs/job.ts";
import type { IntakeEnv } from "../services.ts";

/** The base of links to this service, without a final slash: PUBLIC_URL, or else the origin of the request. */
export function originOf(c: Context<IntakeEnv>): string {
	return c.env.services.config.publicUrl ?? new URL(c.req.url).origin;
}

/** Whether the caller already has this version (RFC 9110 §13.1.2, by weak comparison). */
export function isKnownVersion(ifNoneMatch: string | undefined, etag: string): boolean {
	const tags = (ifNoneMatch ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
	return tags.includes(etag) || tags.includes("*");
}

/** When to poll a job again, in seconds: a tenth of its age, at most 60, and not before it may run. */
export function retryAfterSeconds(job: Pick<Job, "createdAt" | "status" | "runAt">, now: number): number {
	const age = (now - job.createdAt) / 10_000;
	const untilRun = job.status === "queued" ? (job.runAt - now) / 1000 : 0;
	return Math.ceil(Math.min(Math.max(age, untilRun, 1), 60));
}
