/** What a tenant's jobs have used on one UTC day with one model. */
export interface UsageDay {
	/** `2026-01-02`. */
	date: string;
	model: string;
	jobs: number;
	succeeded: number;
	promptTokens: number;
	completionTokens: number;
	totalTokens: number;
	/** How many of the total no provider reported. */
	estimatedTokens: number;
}

const DAY_MS = 86_400_000;

/** Days since 1970-01-01, as the table of usage counts them. */
export function dayOf(date: string): number {
	return Date.parse(date) / DAY_MS;
}

export function dateOf(day: number): string {
	return new Date(day * DAY_MS).toISOString().slice(0, "2026-01-02".length);
}
