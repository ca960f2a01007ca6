import { env } from "cloudflare:workers";
import { credentialKeyOf } from "../../../shared/core/upstreams/credentials.ts";
import { seal, signingKeyId, unseal } from "../../../shared/crypto/seal.ts";
import { Database } from "../../../shared/db/database.ts";
import { revealWebhookSecret } from "../../../shared/db/tenants/tenants.ts";
import { writeNote } from "../../../shared/db/upkeep/sweeper-notes.ts";
import { inputKey, resultKey } from "../../../shared/storage/keys.ts";
import { runtime as realRuntime } from "../../../workers/runtime.ts";
import {
	A_SECRET,
	aDelivery,
	anAttempt,
	anId,
	aTenant,
	BY,
	DAY,
	HOUR,
	insertRow,
	MINUTE,
	SECOND,
} from "../support/a-job.ts";
import { RECEIVER } from "../world/upstreams.ts";
import { SWEEPER } from "./catalogue.ts";
import { PREVIOUS_KEY } from "./config.ts";
import { describeFaults } from "./each-call.ts";
import { anOldJob, aResultOf, aRunningJob, aSucceededJob, CREDENTIAL, limit } from "./rows.ts";
import type { Story } from "./story.ts";

const isGone = (key: string) => async () => (await env.RESULTS.head(key)) === null;

function hasNoRow(
	table: "deliveries" | "tenants" | "idempotency_keys" | "tombstones" | "audit_log" | "breakers" | "receiver_breakers",
	column: string,
	value: string,
) {
	const { DB } = env;
	return async () => (await DB.prepare(`SELECT 1 FROM ${table} WHERE ${column} = ?1`).bind(value).first()) === null;
}

async function parked(story: Story, prompt: string): Promise<void> {
	const row = {
		parkedOn: credentialKeyOf(CREDENTIAL),
		statusReason: "throttled" as const,
		sweepAt: story.world.startedAt + DAY,
	};
	await anOldJob(story, { prompt, bought: 1, row });
}

/** Over for a minute, and no probe was sent. */
async function anOpenBreaker(key: string, endedAt: number): Promise<void> {
	await env.DB.prepare(
		`INSERT INTO breakers (key, reason, open_until, permits, trips, tripped_at, observed_until)
		 VALUES (?1, 'throttled', ?2, 1, 1, ?2, ?2)`,
	)
		.bind(key, endedAt)
		.run();
}

async function aReceiverBreaker(receiver: string, endedAt: number): Promise<void> {
	await env.DB.prepare(
		"INSERT INTO receiver_breakers (key, failures, failing_since, failed_at, open_until) VALUES (?1, 3, ?2, ?2, ?2)",
	)
		.bind(receiver, endedAt)
		.run();
}

describeFaults("sweeper", { calls: SWEEPER }, [
	{
		name: "jobs whose messages are lost, and jobs whose time is over",
		tries: /jobs to sweep|stranded|admit|note swept|sweeper note|finish jobs|r2 head|queue/,
		async play(story) {
			const overdue = { deadlineMs: 9 * MINUTE, sweepAt: story.world.startedAt };
			const unheard = { ...overdue, fence: 1, attempt: 1, attempts: [anAttempt(1, { outcome: "abandoned" })] };
			const isOver = { status: "expired", bought: 0 } as const;
			// The first whose result is looked for in R2: where that fails, the result must not be lost.
			const stored = { prompt: "stored", bought: 0, hasWebhook: true, row: unheard };
			const job = await anOldJob(story, stored);
			await env.RESULTS.put(resultKey(job), ...aResultOf(job, "stored"));
			await anOldJob(story, { prompt: "forgotten", bought: 1, hasWebhook: true });
			const delayed = await anOldJob(story, { prompt: "delayed", bought: 1 });
			await env.DB.prepare("UPDATE jobs SET slot = NULL WHERE id = ?1").bind(delayed.jobId).run();
			await aRunningJob(story, { prompt: "abandoned", bought: 1 });
			await anOldJob(story, { ...isOver, prompt: "never begun", hasWebhook: true, row: overdue });
			await anOldJob(story, { ...isOver, prompt: "in vain", row: unheard });
		},
	},
	{
		name: "a job that waits for the slot of one whose time is over",
		tries: /finish jobs|count slots|open work|write backlog|queue send/,
		async play(story) {
			story.world.jobs.reported = 1;
			await limit(story, "running_jobs", 1);
			const row = { deadlineMs: 9 * MINUTE, sweepAt: story.world.startedAt };
			const overdue = await anOldJob(story, { status: "expired", prompt: "overdue", bought: 0, row });
			await env.DB.prepare("UPDATE jobs SET slot = tenant_id WHERE id = ?1").bind(overdue.jobId).run();
			const waiting = { parkedOn: `tenant:${story.tenantId}`, sweepAt: story.world.startedAt + DAY };
			await anOldJob(story, { prompt: "waiting", bought: 1, row: waiting });
		},
	},
	{
		name: "jobs parked on a breaker whose time is over",
		tries: /parked keys|release parked|breakers|queue send/,
		async play(story) {
			await parked(story, "parked");
			await parked(story, "parked too");
			await anOpenBreaker(credentialKeyOf(CREDENTIAL), story.world.startedAt - MINUTE);
			await anOpenBreaker("another's", story.world.startedAt - 30 * MINUTE);
			story.wish("an old breaker is pruned", hasNoRow("breakers", "key", "another's"));
		},
	},
	{
		name: "webhooks parked on a receiver breaker whose time is over",
		tries: /parked receivers|release deliveries|receiver breakers|queue send/,
		async play(story) {
			const { startedAt } = story.world;
			for (const prompt of ["parked", "parked, too"]) {
				const job = await aSucceededJob(story, prompt);
				await aDelivery(job, { url: RECEIVER, createdAt: startedAt - MINUTE, sweepAt: startedAt + DAY });
			}
			await env.DB.exec("UPDATE deliveries SET parked_on = receiver");
			await aReceiverBreaker(`receiver:${story.tenantId} ${new URL(RECEIVER).origin}`, startedAt - SECOND);
			await aReceiverBreaker("another's", startedAt - 3 * DAY);
			story.wish("an old receiver breaker is pruned", hasNoRow("receiver_breakers", "key", "another's"));
		},
	},
	{
		name: "webhooks parked on a dead receiver for too long, or on a deleted endpoint",
		tries: /exhaust parked|skip parked|parked receivers|deliveries to sweep/,
		async play(story) {
			const { startedAt } = story.world;
			const missed = { hasWebhook: false, missed: 1 };
			const tried = await aSucceededJob(story, "tried once more");
			await aDelivery(tried, { url: RECEIVER, createdAt: startedAt - 7 * DAY, sweepAt: startedAt });
			const old = await aSucceededJob(story, "too old", missed);
			await aDelivery(old, { url: RECEIVER, createdAt: startedAt - 6 * DAY, sweepAt: startedAt });
			const unwanted = await aSucceededJob(story, "to a deleted endpoint", missed);
			const deleted = { endpointId: "we_deleted", sweepAt: startedAt + DAY };
			await aDelivery(unwanted, { ...deleted, createdAt: startedAt - MINUTE });
			await env.DB.exec("UPDATE deliveries SET parked_on = receiver");
			await aReceiverBreaker(`receiver:${story.tenantId} ${new URL(RECEIVER).origin}`, startedAt + 3 * MINUTE);
		},
	},
	{
		name: "webhooks whose messages are lost",
		tries: /deliveries to sweep|defer delivery sweep|queue send/,
		async play(story) {
			const { startedAt } = story.world;
			for (const prompt of ["sent late", "sent late too"]) {
				const job = await aSucceededJob(story, prompt);
				await aDelivery(job, { url: RECEIVER, createdAt: startedAt - 5 * MINUTE });
			}
		},
	},
	{
		name: "what is past its retention",
		tries: /prune|tombstones|r2 delete/,
		async play(story) {
			const { startedAt } = story.world;
			const row = { status: "succeeded", resultBytes: 2, retainMs: MINUTE } as const;
			const job = await anOldJob(story, { prompt: "kept no longer", bought: 0, status: "erased", row });
			await env.RESULTS.put(resultKey(job), "{}");
			story.wish("no result outlives its job", isGone(resultKey(job)));

			const erased = { tenantId: story.tenantId, jobId: anId("job", startedAt) };
			await env.RESULTS.put(resultKey(erased), "{}");
			await env.DB.prepare("INSERT INTO tombstones (delete_at, id, keys) VALUES (?1, 'tmb_1', ?2)")
				.bind(startedAt - SECOND, JSON.stringify([resultKey(erased)]))
				.run();
			story.wish("what was written after an erasure is gone", isGone(resultKey(erased)));
			story.wish("a tombstone is pruned when its time is over", hasNoRow("tombstones", "id", "tmb_1"));

			const key = { tenant_id: story.tenantId, key: "old", fingerprint: "f", job_id: "job_1" };
			await insertRow("idempotency_keys", { ...key, expires_at: startedAt - SECOND });
			await env.DB.prepare("INSERT INTO audit_log VALUES (?1, 'aud_1', 0, 'operator', 'tenant.created', ?1)")
				.bind(story.tenantId)
				.run();
			story.wish("an entry of the audit log goes after its time", hasNoRow("audit_log", "tenant_id", story.tenantId));
			story.wish("an old idempotency key is pruned", hasNoRow("idempotency_keys", "key", "old"));
			const past = { status: "skipped", finishedAt: startedAt - DAY, pruneAt: startedAt - SECOND } as const;
			const orphan = await aDelivery(erased, past);
			story.wish("the record of an erased job's webhook goes", hasNoRow("deliveries", "id", orphan.deliveryId));
		},
	},
	{
		name: "a tenant that was deleted two hours ago",
		tries: /tenants? to erase|jobs to erase|erase page|erased tenants|r2 delete/,
		async play(story) {
			const then = story.world.startedAt - 2 * HOUR;
			const { tenantId } = await aTenant();
			await env.DB.prepare("UPDATE tenants SET deleted_at = ?2 WHERE id = ?1").bind(tenantId, then).run();
			const gone = { bought: 0, status: "erased", row: { tenantId } } as const;
			const job = await anOldJob(story, { ...gone, prompt: "not to be run" });
			await env.RESULTS.put(resultKey(job), "{}");
			await aRunningJob(story, { ...gone, prompt: "its holder is gone" });
			await aDelivery(job, { url: RECEIVER, createdAt: then });
			story.wish("its result is gone", isGone(resultKey(job)));
			story.wish("its webhooks are gone", hasNoRow("deliveries", "tenant_id", tenantId));
			story.wish("its row is gone", hasNoRow("tenants", "id", tenantId));
		},
	},
	{
		name: "a secret that the previous key sealed",
		tries: /seal/,
		async play(story) {
			const { tenantId } = await aTenant();
			const sealed = await seal(story.world.runtime, PREVIOUS_KEY, tenantId, A_SECRET);
			await env.DB.prepare("UPDATE tenants SET webhook_secret = ?2 WHERE id = ?1").bind(tenantId, sealed).run();
			const keyId = await signingKeyId(story.world.runtime, env.SIGNING_KEY);
			const seen = JSON.stringify({ keyId, at: story.world.startedAt - DAY });
			await writeNote(new Database(env.DB, realRuntime), "signing_key_seen", seen);
			story.wish("the current key opens it", async () => {
				const now = (await revealWebhookSecret(new Database(env.DB, realRuntime), tenantId, BY)) ?? "";
				const opened = unseal(realRuntime, [env.SIGNING_KEY], tenantId, now);
				return (await opened.catch(() => null)) === A_SECRET;
			});
		},
	},
	{
		name: "an input whose job was never made, and one whose job waits",
		tries: /sweeper note|filter existing|r2 (list|delete)/,
		async play(story) {
			const then = story.world.startedAt - DAY;
			const orphan = inputKey({ tenantId: story.tenantId, jobId: anId("job", then) }, then);
			await env.RESULTS.put(orphan, "{}");
			story.wish("an input without a job is reaped", isGone(orphan));

			const jobId = anId("job", then);
			const owned = inputKey({ tenantId: story.tenantId, jobId }, then);
			await env.RESULTS.put(owned, JSON.stringify({ messages: [{ role: "user", content: "waits" }] }));
			const row = { jobId, inputKey: owned, deadlineMs: 30 * DAY };
			await anOldJob(story, { prompt: "waits", bought: 1, row });
			story.wish("the day is noted as done", async () => {
				const note = env.DB.prepare("SELECT value FROM sweeper_notes WHERE name = 'inputs_reaped'");
				return (await note.first()) !== null;
			});
			story.wish("the input of a job stays", async () => !(await isGone(owned)()));
		},
	},
]);
