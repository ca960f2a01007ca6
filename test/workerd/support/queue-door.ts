/** The Worker's own door for queues, with the real clock, and what it tells about each message. */
import { exports } from "cloudflare:workers";
import { z } from "zod";

const Told = z.object({
	outcome: z.string(),
	ackAll: z.boolean(),
	explicitAcks: z.array(z.string()),
	retryMessages: z.array(z.object({ msgId: z.string(), delaySeconds: z.number().optional() })),
});

/** Hands `bodies` to the consumer of `queue`, one message each, named by its place. */
export async function handToQueue(queue: string, bodies: unknown[]) {
	const messages = bodies.map((body, at) => ({ id: String(at), timestamp: new Date(), body, attempts: 1 }));
	// The types know no more of the door than `fetch`; the flag `service_binding_extra_handlers` adds this.
	const door: unknown = Reflect.get(exports.default, "queue");
	if (typeof door !== "function") throw new Error("the queue has no door");
	const told = Told.parse(await Reflect.apply(door, exports.default, [queue, messages]));
	const retried = told.retryMessages.toSorted((a, b) => a.msgId.localeCompare(b.msgId));
	return { outcome: told.outcome, ackAll: told.ackAll, acked: told.explicitAcks.toSorted(), retried };
}
