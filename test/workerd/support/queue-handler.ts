/** The Worker's own queue handler, with the real clock, and the disposition of each message. */
import { exports } from "cloudflare:workers";
import { z } from "zod";

const Disposed = z.object({
	outcome: z.string(),
	ackAll: z.boolean(),
	explicitAcks: z.array(z.string()),
	retryMessages: z.array(z.object({ msgId: z.string(), delaySeconds: z.number().optional() })),
});

/** Hands `bodies` to the consumer of `queue`, one message each, named by its place. */
export async function handToQueue(queue: string, bodies: unknown[]) {
	const messages = bodies.map((body, at) => ({ id: String(at), timestamp: new Date(), body, attempts: 1 }));
	// The types know only `fetch`; the flag `service_binding_extra_handlers` adds this.
	const handler: unknown = Reflect.get(exports.default, "queue");
	if (typeof handler !== "function") throw new Error("there is no queue handler");
	const disposed = Disposed.parse(await Reflect.apply(handler, exports.default, [queue, messages]));
	const retried = disposed.retryMessages.toSorted((a, b) => a.msgId.localeCompare(b.msgId));
	return { outcome: disposed.outcome, ackAll: disposed.ackAll, acked: disposed.explicitAcks.toSorted(), retried };
}
