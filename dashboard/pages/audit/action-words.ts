/** The actions of the audit log, as sentences without a subject. */
const WORDS: Record<string, string> = {
	"tenant.created": "Created the tenant",
	"tenant.updated": "Changed the tenant",
	"tenant.deleted": "Deleted the tenant",
	"key.created": "Created a key",
	"key.revoked": "Revoked a key",
	"session.created": "Signed in",
	"signing_secret.read": "Read the signing secret",
	"signing_secret.rotated": "Rotated the signing secret",
	"endpoint.created": "Added an endpoint",
	"endpoint.updated": "Changed an endpoint",
	"endpoint.deleted": "Deleted an endpoint",
	"endpoint.enabled": "Enabled an endpoint",
	"endpoint.secret_rotated": "Rotated an endpoint's secret",
	"endpoint.tested": "Tested an endpoint",
	"deliveries.recovered": "Recovered missed deliveries",
	"delivery.redelivered": "Sent a delivery again",
	"job.redelivered": "Sent a job's webhooks again",
	"job.retried": "Retried a job",
	"job.erased": "Erased a job",
};

/** An action that is newer than this page is shown as it is. */
export const actionWords = (action: string): string => WORDS[action] ?? action;
