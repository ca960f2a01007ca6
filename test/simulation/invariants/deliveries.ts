/**
 * S6: an end and the webhook it owes are one transaction, and what is owed is delivered, or exhausted after all its
 * attempts. S7: nobody is told of what is not committed, nor anything but what is; a webhook-id is one event's.
 */
import type { Changed } from "../ledger.ts";
import type { Simulation } from "../simulate.ts";
import type { Post } from "../world/receivers.ts";
import { eventsWanted, isFinalRow, numberOf, textOf } from "./rows.ts";

export function watchDeliveries(simulation: Simulation): undefined {
	const { ledger, world, service } = simulation;
	const told = new Map<string, string>();
	ledger.onTransaction((changes) => {
		for (const change of changes) {
			const isEnd = change.table === "jobs" && !isFinalRow(change.before) && isFinalRow(change.after);
			if (isEnd && !owesWhatItShould(change, changes))
				world.violate("S6", `${change.id} ended ${change.after?.status} and owes no webhook`);
		}
	});
	ledger.on("deliveries", (change) => {
		const problem = problemWith(simulation, change);
		if (problem !== null) world.violate("S6", `${change.by?.name} ${problem} ${change.id}`);
	});
	service.receivers.onPost((post) => {
		const problem = problemWithPost(simulation, post, told);
		if (problem !== null) world.violate("S7", `${post.by.name} posted ${post.webhookId}: ${problem}`);
	});
}

function owesWhatItShould({ id, after }: Changed, together: (Changed & { table: string })[]): boolean {
	const wanted = after === null ? null : eventsWanted(after);
	const eventType = `job.${after?.status}`;
	const isOwed = wanted === "all" || (wanted?.includes(eventType) ?? false);
	const found = together.some(
		({ table, after: row }) => table === "deliveries" && row?.job_id === id && row.event_type === eventType,
	);
	return found === isOwed;
}

function problemWith({ ledger, world, service }: Simulation, { tenantId, before, after, by }: Changed): string | null {
	const jobId = textOf(after ?? before, "job_id");
	const job = ledger.job(tenantId, jobId);
	if (before === null)
		return isFinalRow(job) && job?.status === textOf(after, "event_type").slice(4) ? null : "owes before the end";
	if (after === null) return job === null && before.status !== "pending" ? null : "forgot";
	if (before.status !== "pending") return before.status === after.status ? null : `changed the settled`;
	const made = numberOf(after, "attempts_made") - numberOf(before, "attempts_made");
	const scheduled = (service.vars.DELIVERY_SCHEDULE_SECONDS ?? "").split(",").length;
	const posts = service.receivers.posts.filter((post) => post.by === by && post.webhookId === after.event_id);
	switch (after.status) {
		case "delivered":
			return posts.some(({ status }) => status === 200) ? null : "says delivered what nobody took:";
		case "exhausted":
			return numberOf(after, "attempts_made") === scheduled || posts.some(({ status }) => status === 410)
				? null
				: "gave up too soon on";
		case "skipped":
			return job === null ? null : "skipped what a kept job owes:";
		default:
			if (made < 0 || made > 1) return "counted wrongly the attempts at";
			return made === 1 && numberOf(after, "next_attempt_at") < world.databaseNow
				? "set in the past the next attempt at"
				: null;
	}
}

function problemWithPost({ ledger, service }: Simulation, post: Post, told: Map<string, string>): string | null {
	const event = JSON.parse(post.body) as {
		id: string;
		type: string;
		data: { id: string; status: string; result?: unknown };
	};
	const tenantId = post.url.split("/").at(-1) ?? "";
	const job = ledger.job(tenantId, event.data.id);
	const meaning = `${event.type} of ${event.data.id}`;
	const known = told.get(post.webhookId) ?? meaning;
	told.set(post.webhookId, meaning);
	if (event.id !== post.webhookId) return "its body has another id";
	if (known !== meaning) return `it meant ${known} before`;
	if (event.type !== `job.${event.data.status}`)
		return `it is ${event.type} of a job that it calls ${event.data.status}`;
	if (job !== null && job.status !== event.data.status) return `a poll shows ${job.status}`;
	if (event.data.result === undefined || event.data.result === null) return null;
	const stored = service.bucket.objects.get(`results/${tenantId}/${event.data.id}`);
	const isSame = stored === undefined || JSON.stringify(event.data.result) === new TextDecoder().decode(stored.bytes);
	return isSame ? null : "its result is not the stored one";
}
