/** Expectations of a check, and waiting for what must come. */
import { setTimeout as sleep } from "node:timers/promises";
import { type ApiResponse, messageOf } from "../call-api.ts";

export class CheckFailed extends Error {}

/** @param problem what is wrong if `holds` is false */
export function expectThat(holds: boolean, problem: string): asserts holds {
	if (!holds) throw new CheckFailed(problem);
}

export function expectStatus(response: ApiResponse, status: number, what: string): void {
	if (response.status === status) return;
	// The body of any other response may be a result.
	const message = response.status < 400 ? "" : `, ${messageOf(response.body).slice(0, 300)}`;
	throw new CheckFailed(`${what}: ${response.status} instead of ${status}${message}`);
}

/** 401, or the 429 of an address that was refused too often: another run at the same time may have caused that. */
export function expectRefused(response: ApiResponse, what: string): void {
	if (response.status === 429) return;
	expectStatus(response, 401, what);
}

/** Looks until there is something. @param what a sentence about what did not come */
export async function until<T>(
	signal: AbortSignal,
	withinMs: number,
	what: string,
	look: () => Promise<T | null>,
	everyMs = 1_000,
): Promise<T> {
	const giveUpAt = Date.now() + withinMs;
	for (;;) {
		const found = await look();
		if (found !== null) return found;
		if (Date.now() > giveUpAt) throw new CheckFailed(`${what} within ${withinMs / 1_000} s`);
		await sleep(everyMs, undefined, { signal });
	}
}
