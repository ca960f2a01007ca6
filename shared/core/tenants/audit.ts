/**
 * The audit log: who changed what, and who read a secret. It records actions that grant, revoke, reveal or destroy, which are
 * few. Submissions, polls and cancellations are the traffic itself: each is recorded in its job's row. Entries for them would
 * double the cost of a job and hide what an auditor looks for.
 */
export const AUDIT_ACTIONS = [
	"tenant.created",
	"tenant.updated",
	"tenant.deleted",
	"key.created",
	"key.revoked",
	"session.created",
	"signing_secret.read",
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

/** Who acts, and in which request. */
export interface Actor {
	/** The id of an API key, or `operator`. */
	actor: string;
	requestId: string;
}

/** The holder of ADMIN_TOKEN. */
export const OPERATOR = "operator";

/** Ids and the name of the action: no secrets and no content. */
export interface AuditEntry extends Actor {
	tenantId: string;
	entryId: string;
	at: number;
	action: AuditAction;
	/** The id of the object acted on. */
	target: string;
}

/** The id of a request's first entry. Those that follow it add an ordinal: `aud_…_0001`, `aud_…_0002`. */
export function entryIdOf(requestId: string): string {
	return `aud_${requestId.slice("req_".length)}`;
}

export function requestIdOf(entryId: string): string {
	return `req_${entryId.split("_")[1]}`;
}

/** Whether `id` can be the id of an entry. */
export function isEntryId(id: string): boolean {
	return /^aud_[0-9a-hjkmnp-tv-z]{26}(_[0-9]{4})?$/.test(id);
}
