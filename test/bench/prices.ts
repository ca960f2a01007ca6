/**
 * What Cloudflare bills on the paid plan beyond what the plan includes, in dollars per million. The bench multiplies counts
 * by these and subtracts nothing: what an account still has left of its included amounts is its own affair.
 */

/** When the oldest of them was read. */
export const PRICES_READ_ON = "2026-11-23";

interface Price {
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
	/** Billed since 2026-08-10. */
	workflowSteps: {
		perMillion: 8,
		what: "steps of a Workflow: $0.80 for 100,000",
		included: "500,000",
		source: "https://developers.cloudflare.com/changelog/post/2026-07-07-workflows-billing-updates/",
		readOn: "2026-11-30",
	},
	/** Listed apart from the bill: whether logs are kept is a setting, which `wrangler.toml` turns on. From 2026-12-01. */
	logBytesIngested: {
		perMillion: 0.25 / 1_000,
		what: "bytes of logs taken in, those of AI Gateway too, uncompressed, with what the platform adds: $0.25 a GB",
		included: "50 GB",
		source: "https://developers.cloudflare.com/observability/pricing/",
		readOn: "2026-11-30",
	},
	/** For seven days. From 2026-12-01. */
	logBytesStored: {
		perMillion: 0.1 / 1_000,
		what: "bytes of logs stored for a month: $0.10 a GB",
		included: "12 GB",
		source: "https://developers.cloudflare.com/observability/pricing/",
		readOn: "2026-11-30",
	},
	/** Storage is in no bill: what it costs depends on how long jobs are retained. */
	d1BytesStored: {
		perMillion: 0.75 / 1_000,
		what: "bytes of D1 stored for a month, indexes included: $0.75 a GB",
		included: "5 GB",
		source: "https://developers.cloudflare.com/d1/platform/pricing/",
		readOn: "2026-11-30",
	},
	/** Billed since 2026-08-10. A Workflow keeps the state of an instance for seven days by default. */
	workflowBytesStored: {
		perMillion: 0.2 / 1_000,
		what: "bytes of a Workflow's state stored for a month: $0.20 a GB",
		included: "1 GB",
		source: "https://developers.cloudflare.com/changelog/post/2026-07-07-workflows-billing-updates/",
		readOn: "2026-11-30",
	},
} as const satisfies Record<string, Price>;
