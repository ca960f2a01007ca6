/**
 * The audit log: who changed what. It is there for acts that give, take or destroy, which are few; submissions, polls and
 * cancellations are not in it, for they are the traffic itself: each has its job's row to show for it, and an entry for
 * each would double what a job costs and bury what an auditor looks for.
 */
export const AUDIT_ACTIONS = [
	"tenant.created",
	"tenant.updated",
	"tenant.deleted",
	"key.created",
	"key.revoked",
	"signing_secret.rotated",
	"endpoint.created",
	"endpoint.updated",
	"endpoint.deleted",
	"endpoint.enabled",
	"endpoint.secret_rotated",
	"endpoint.tested",
	"deliveries.recovered",
	"delivery.redelivered",
	"job.redelivered",
	"job.retried",
	"job.erased",
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** Who acts, and in which request: a request does one thing. */
export interface Actor {
	/** The id of an API key, or `operator`. */
	actor: string;
	requestId: string;
}

/** The holder of ADMIN_TOKEN. */
export const OPERATOR = "operator";

/** Never a secret, and nothing of what was done but its name. */
export interface AuditEntry extends Actor {
	tenantId: string;
	entryId: string;
	at: number;
	action: AuditAction;
	/** The id of what it was done to. */
	target: string;
}

/** One request, one entry: its id says which. */
export function entryIdOf(requestId: string): string {
	return `aud_${requestId.slice("req_".length)}`;
}

export function requestIdOf(entryId: string): string {
	return `req_${entryId.slice("aud_".length)}`;
}
