/** Checks the URL that a caller gives for a job's webhook or an endpoint. */
import type { Context } from "hono";
import { AppError } from "../../../shared/core/errors.ts";
import { ownHosts } from "../../../shared/core/webhooks/webhook-address.ts";
import { checkReceiver } from "../../../shared/webhooks/check-receiver.ts";
import { logWarning } from "../../log.ts";
import type { IntakeEnv } from "../services.ts";

/** Returns the form of `rawUrl` to store, or throws a 400 about `param`. */
export async function acceptReceiver(c: Context<IntakeEnv>, rawUrl: string, param: string): Promise<string> {
	const receiver = await checkNewReceiver(c, rawUrl);
	if (receiver.ok) return receiver.url;
	throw new AppError("invalid_request", receiver.problem, param);
}

/**
 * If the resolver does not respond, the URL is accepted: a submission must not depend on a third party, and the address is
 * checked again before each delivery.
 */
export async function checkNewReceiver(
	c: Context<IntakeEnv>,
	rawUrl: string,
): Promise<{ ok: true; url: string } | { ok: false; problem: string }> {
	const { config, hosts, runtime } = c.env.services;
	const { tenantId } = c.var.caller;
	const own = ownHosts(config.publicUrl, c.req.url, ...config.ownUrls);
	const check = await checkReceiver(runtime, config, rawUrl, own, (...query) => hosts.resolve(tenantId, ...query));
	if (check.ok || check.url === null || check.isCertain) return check;
	logWarning("receiver.resolve_failed", { requestId: c.env.requestId, problem: check.problem });
	return { ok: true, url: check.url };
}
