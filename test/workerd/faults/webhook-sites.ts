/** Intake has the most call sites by far: those about webhooks have their tests in a file of their own. */
export function isAboutWebhooks(site: string): boolean {
	return /endpoint|redeliver|post-webhook|ring-for-some/.test(site);
}
