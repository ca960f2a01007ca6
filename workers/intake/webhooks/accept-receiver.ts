/** Takes a receiver's address from a caller: that of a job's webhook, or of an endpoint. */
import type { Context } from "hono";
import { AppError } from "../../../shared/core/errors.ts";
import { ownHosts } from "../../../shared/core/webhooks/webhook-address.ts";
import { checkReceiver } from "../../../shared/webhooks/check-receiver.ts";
import { log } from "../../log.ts";
import type { IntakeEnv } from "../services.ts";

/**
 * The form of `rawUrl` to store; else 400 on `param`. A resolver that does not answer refuses nobody: accepting must not
 * depend on a third party, and nothing is sent before DNS has said yes.
 * @param isRepeat whether this request was accepted before, when DNS may have said otherwise; asked only where it refuses
 */
export async function acceptReceiver(
	c: Context<IntakeEnv>,
	rawUrl: string,
	param: string,
	isRepeat: () => Promise<boolean> = async () => false,
): Promise<string> {
	const { config, hosts, runtime } = c.env.services;
	const own = ownHosts(config.publicUrl, c.req.url);
	const check = await checkReceiver(runtime, config, rawUrl, own, (...asked) => hosts.resolve(...asked));
	if (check.ok) return check.url;
	if (check.url !== null && !check.isCertain) {
		log("receiver.resolve_failed", { requestId: c.env.requestId, problem: check.problem });
		return check.url;
	}
	if (check.url !== null && (await isRepeat())) return check.url;
	throw new AppError("invalid_request", check.problem, param);
}
