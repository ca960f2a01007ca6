/**
 * S6: a pending delivery becomes delivered, or exhausted after all its attempts, or at an attempt after five days, or
 * skipped because its endpoint or its job is gone. The sweeper ends only what waits for a failing receiver, behind another. S7: a webhook shows only what is committed, and a webhook-id belongs to one event.
 */
import { FAILING_MS_MAX } from "../../../shared/core/webhooks/receiver-breaker.ts";
import type { Changed } from "../ledger.ts";
import type { Simulation } from "../simulate.ts";
import type { Post } from "../world/receivers.ts";
import type { Row } from "../world/sql-engine.ts";
import { numberOf, textOf } from "./rows.ts";

export function watchDeliveries(simulation: Simulation): undefined {
	const { ledger, world, service } = simulation;
	const meanings = new Map<string, string>();
	ledger.on("deliveries", (change) => {
		const problem = problemWith(simulation, change);
		if (problem !== null) world.violate("S6", `${change.by?.name} ${problem} ${change.id}`);
	});
	service.receivers.onPost((post) => {
		const problem = problemWithPost(simulation, post, meanings);
		if (problem !== null) world.violate("S7", `${post.by.name} posted ${post.webhookId}: ${problem}`);
	});
}

function problemWith(simulation: Simulation, { tenantId, before, after, by }: Changed): string | null {
	const { ledger, world, service, endpoints } = simulation;
	const job = ledger.job(tenantId, textOf(after ?? before, "job_id"));
	if (before === null) return null;
	if (after === null) return job === null && before.status !== "pending" ? null : "forgot";
	if (before.restarted_at !== after.restarted_at)
		return isRestart(before, after) && by?.name.startsWith("intake") ? null : "wrongly restarted";
	if (before.status !== "pending") return before.status === after.status ? null : `changed the settled`;
	const made = numberOf(after, "attempts_made") - numberOf(before, "attempts_made");
	const scheduled = (service.vars.DELIVERY_SCHEDULE_SECONDS ?? "").split(",").length;
	const posts = service.receivers.posts.filter((post) => post.by === by && isOf(simulation, post, after));
	switch (after.status) {
		case "delivered":
			return posts.some(({ status }) => status === 200) ? null : "marks as delivered what no receiver accepted:";
		case "exhausted":
			if (
				isOld(simulation, before) &&
				(by?.name.startsWith("sweeper") ? isBehindAnother(simulation, before) : made === 1)
			)
				return null;
			return numberOf(after, "attempts_made") - numberOf(after, "attempts_before") === scheduled ||
				posts.some(({ status }) => status === 410)
				? null
				: "gave up too soon on";
		case "skipped":
			if (job === null && after.event === null) return null;
			return endpoints.wasAway(tenantId, after.endpoint_id ?? null, by) ? null : "skipped what can be sent:";
		default:
			if (made < 0 || made > 1) return "miscounted the attempts at";
			// Redelivered during the attempt, it stays due.
			return made === 1 &&
				after.attempts_before === before.attempts_before &&
				numberOf(after, "next_attempt_at") < world.databaseNow
				? "set in the past the next attempt at"
				: null;
	}
}

/** Five days after the event, or the last request to send it again. */
function isOld({ world }: Simulation, { created_at, restarted_at }: Row): boolean {
	return world.databaseNow - Number(restarted_at ?? created_at) >= FAILING_MS_MAX;
}

/** Parked, as another still is, for a receiver whose breaker has not closed. */
function isBehindAnother({ ledger }: Simulation, { parked_on: key }: Row): boolean {
	const isOpen = (ledger.rows("receiver_breakers").get(`/${key}`)?.open_until ?? null) !== null;
	if (isOpen) for (const other of ledger.rows("deliveries").values()) if (other.parked_on === key) return true;
	return false;
}

/** Redelivered: due at once, with its whole schedule. */
function isRestart(before: Row, after: Row): boolean {
	return (
		after.status === "pending" &&
		after.next_attempt_at === after.restarted_at &&
		after.attempts_made === before.attempts_made &&
		after.attempts_before === after.attempts_made
	);
}

/** Whether a request was an attempt at `delivery`. */
function isOf({ endpoints }: Simulation, { url, webhookId }: Post, delivery: Row): boolean {
	return webhookId === delivery.event_id && (endpoints.at(url)?.id ?? null) === delivery.endpoint_id;
}

function problemWithPost({ ledger, service }: Simulation, post: Post, meanings: Map<string, string>): string | null {
	const event = JSON.parse(post.body) as {
		id: string;
		type: string;
		data: { id: string; status: string; result?: unknown; disabled_at?: number };
	};
	const tenantId = post.url.split("/").at(-1) ?? "";
	const job = ledger.job(tenantId, event.data.id);
	const isAboutJob = event.type !== "endpoint.disabled";
	const meaning = `${event.type} of ${event.data.id}${isAboutJob ? "" : ` at ${event.data.disabled_at}`}`;
	const known = meanings.get(post.webhookId) ?? meaning;
	meanings.set(post.webhookId, meaning);
	if (event.id !== post.webhookId) return "its body has another id";
	if (known !== meaning) return `it meant ${known} before`;
	if (!isAboutJob) return event.data.status === "disabled" ? null : "it is about nothing";
	if (event.type === "job.started") return job === null || job.started_at !== null ? null : "it has not started";
	if (event.type !== `job.${event.data.status}`)
		return `it is ${event.type} of a job that it calls ${event.data.status}`;
	if (job !== null && job.status !== event.data.status) return `a poll shows ${job.status}`;
	if (event.data.result === undefined || event.data.result === null) return null;
	const stored = service.bucket.objects.get(`results/${tenantId}/${event.data.id}`);
	const isSame = stored === undefined || JSON.stringify(event.data.result) === new TextDecoder().decode(stored.bytes);
	return isSame ? null : "its result is not the stored one";
}
