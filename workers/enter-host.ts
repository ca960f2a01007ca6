/** Counts a webhook against the limit of its tenant and host, before it is sent. */
import type { Config } from "../shared/core/config.ts";
import type { Runtime } from "../shared/core/runtime.ts";
import { type HostLimits, hostKey } from "../shared/core/webhooks/host-limits.ts";
import { logWarning } from "./log.ts";
import type { RateLimiter } from "./rate-limiter.ts";

export interface HostGate {
	config: Pick<Config, "webhookLimit">;
	runtime: Pick<Runtime, "now">;
	hostLimits: HostLimits;
	webhookRate: RateLimiter;
}

/** Call the result when the receiver has replied. Null: the host gets as much as it may, so nothing may be sent now. */
export async function enterHost(gate: HostGate, tenantId: string, url: string): Promise<(() => void) | null> {
	const key = hostKey(tenantId, url);
	const leave = gate.hostLimits.enter(key, gate.runtime.now(), gate.config.webhookLimit);
	if (leave === null || (await isWithinRate(gate, key))) return leave;
	leave();
	return null;
}

/** A limiter that fails or hangs limits nothing: this isolate still counts. */
async function isWithinRate({ webhookRate }: HostGate, key: string): Promise<boolean> {
	try {
		return await webhookRate.allows(key);
	} catch (error) {
		logWarning("rate.count_failed", { limiter: "webhooks" }, error);
		return true;
	}
}
