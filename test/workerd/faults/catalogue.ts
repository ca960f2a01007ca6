/**
 * Every call of an actor to the outside, by its name. The architecture test finds a call to D1 that stands nowhere here; a
 * story finds any other call that its actor makes and does not list; a name that no story makes has a red test.
 */
export const CONSUMER: readonly string[] = [
	"ai model",
	"d1 explain missed leases",
	"d1 extend leases",
	"d1 find held leases",
	"d1 find lease state",
	"d1 finish jobs",
	"d1 lease jobs",
	"d1 record failure",
	"d1 record recovery",
	"d1 release parked",
	"d1 requeue job",
	"fetch model",
	"queue sendBatch deliveries",
	"queue sendBatch jobs",
	"r2 get inputs",
	"r2 head results",
	"r2 put results",
];

export const DISPATCHER: readonly string[] = [
	"d1 find pending deliveries",
	"d1 gate slow receiver",
	"d1 park deliveries",
	"d1 record deliveries",
	"d1 release deliveries",
	"fetch addresses",
	"fetch webhook",
	"queue send deliveries",
	"queue sendBatch deliveries",
	"r2 get results",
];

export const SWEEPER: readonly string[] = [
	"d1 defer delivery sweep",
	"d1 erase page of tenant",
	"d1 filter existing jobs",
	"d1 find deliveries to enqueue",
	"d1 find jobs to erase",
	"d1 find jobs to prune",
	"d1 find jobs to sweep",
	"d1 find parked keys",
	"d1 find parked receivers",
	"d1 find secrets sealed with",
	"d1 find tenants to erase",
	"d1 find tombstones",
	"d1 finish jobs",
	"d1 note swept",
	"d1 prune audit log",
	"d1 prune breakers",
	"d1 prune idempotency keys",
	"d1 prune jobs",
	"d1 prune orphaned deliveries",
	"d1 prune receiver breakers",
	"d1 read sweeper note",
	"d1 release deliveries",
	"d1 release parked",
	"d1 remove erased tenants",
	"d1 remove tombstones",
	"d1 replace sealed secrets",
	"d1 write sweeper note",
	"queue metrics jobs",
	"queue sendBatch deliveries",
	"queue sendBatch jobs",
	"r2 delete inputs",
	"r2 delete results",
	"r2 head results",
	"r2 list inputs",
];

export const INTAKE: readonly string[] = [
	"d1 count sealed secrets",
	"d1 create api key",
	"d1 create tenant",
	"d1 delete tenant",
	"d1 erase job",
	"d1 find api key",
	"d1 find api key in force",
	"d1 find idempotency key",
	"d1 find job",
	"d1 find job summary",
	"d1 find job with input",
	"d1 find tenant",
	"d1 find webhook secret",
	"d1 finish jobs",
	"d1 list api keys",
	"d1 list audit log",
	"d1 list deliveries of job",
	"d1 list jobs",
	"d1 list tenants",
	"d1 list usage",
	"d1 note api key use",
	"d1 read status",
	"d1 revoke api key",
	"d1 rotate webhook secret",
	"d1 submit job",
	"d1 submit job or explain",
	"d1 update tenant",
	"fetch addresses",
	"limiter keys",
	"queue send jobs",
	"queue sendBatch deliveries",
	"queue sendBatch jobs",
	"r2 delete results",
	"r2 get inputs",
	"r2 get results",
	"r2 put inputs",
];

export const INTAKE_OF_WEBHOOKS: readonly string[] = [
	"d1 create webhook endpoint",
	"d1 delete webhook endpoint",
	"d1 enable webhook endpoint",
	"d1 find delivery",
	"d1 find webhook endpoint",
	"d1 list deliveries of endpoint",
	"d1 list webhook endpoints",
	"d1 record act",
	"d1 redeliver delivery",
	"d1 redeliver job",
	"d1 redeliver missed deliveries",
	"d1 rotate endpoint secret",
	"d1 update webhook endpoint",
	"fetch webhook",
	"queue sendBatch deliveries",
];

/** By actor. */
export const CALLS: Readonly<Record<string, ReadonlySet<string>>> = {
	consumer: new Set(CONSUMER),
	dispatcher: new Set(DISPATCHER),
	sweeper: new Set(SWEEPER),
	intake: new Set([...INTAKE, ...INTAKE_OF_WEBHOOKS]),
};

/** Of calls that share a transaction, "d1 finish jobs, requeue job": each. */
export function namesIn(name: string): string[] {
	return name.startsWith("d1 ")
		? name
				.slice(3)
				.split(", ")
				.map((one) => `d1 ${one}`)
		: [name];
}
