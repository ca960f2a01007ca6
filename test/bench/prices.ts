/**
 * What Cloudflare bills on the paid plan beyond what the plan includes, in dollars per million. The bench multiplies counts
 * by these and subtracts nothing: what an account still has left of its included amounts is its own affair.
 */

/** When the oldest of them was read. */
export const PRICES_READ_ON = "2026-11-23";

export interface Price {
	/** Dollars for a million of them. */
	perMillion: number;
	what: string;
	/** A month, in the paid plan. */
	included: string;
	source: string;
	readOn: string;
}

export const PRICES = {
	rowsRead: {
		perMillion: 0.001,
		what: "D1 rows read",
		included: "25 billion",
		source: "https://developers.cloudflare.com/d1/platform/pricing/",
		readOn: "2026-11-23",
	},
	rowsWritten: {
		perMillion: 1,
		what: "D1 rows written, index entries included",
		included: "50 million",
		source: "https://developers.cloudflare.com/d1/platform/pricing/",
		readOn: "2026-11-23",
	},
	r2ClassA: {
		perMillion: 4.5,
		what: "R2 class A operations: put, list",
		included: "1 million",
		source: "https://developers.cloudflare.com/r2/pricing/",
		readOn: "2026-11-23",
	},
	r2ClassB: {
		perMillion: 0.36,
		what: "R2 class B operations: get, head; deletes are free",
		included: "10 million",
		source: "https://developers.cloudflare.com/r2/pricing/",
		readOn: "2026-11-23",
	},
	queueOps: {
		perMillion: 0.4,
		what: "queue operations: each message written, read and deleted, up to 64 KB of it",
		included: "1 million",
		source: "https://developers.cloudflare.com/queues/platform/pricing/",
		readOn: "2026-11-23",
	},
	invocations: {
		perMillion: 0.3,
		what: "Worker invocations: requests, queue batches, and the runs of a Workflow; subrequests are free",
		included: "10 million",
		source: "https://developers.cloudflare.com/workers/platform/pricing/",
		readOn: "2026-11-23",
	},
	cpuMs: {
		perMillion: 0.02,
		what: "milliseconds of Worker CPU, also of a Workflow's runs",
		included: "30 million",
		source: "https://developers.cloudflare.com/workers/platform/pricing/",
		readOn: "2026-11-23",
	},
	/** Listed apart from the bill: whether logs are kept is a setting, which `wrangler.toml` turns on. */
	logEvents: {
		perMillion: 0.6,
		what: "events of Workers Logs: each line, and one for each invocation",
		included: "20 million",
		source: "https://developers.cloudflare.com/workers/observability/logs/workers-logs/",
		readOn: "2026-11-28",
	},
	/** Announced to be billed from 2026-08-10 at the earliest; listed apart from the bill, for older copies of the page have no such line. */
	workflowSteps: {
		perMillion: 8,
		what: "steps of a Workflow",
		included: "500,000",
		source: "https://developers.cloudflare.com/workflows/reference/pricing/",
		readOn: "2026-11-23",
	},
} as const satisfies Record<string, Price>;
