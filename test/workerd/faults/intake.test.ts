import { env } from "cloudflare:workers";
import { z } from "zod";
import { UNITS_PER_COUNT } from "../../../shared/core/tenants/rate-limits.ts";
import { resultKey } from "../../../shared/storage/keys.ts";
import { records } from "../../support/fake-dns.ts";
import { aDelivery, anId, MINUTE, SECOND } from "../support/a-job.ts";
import { signersOf } from "../support/signers.ts";
import { RECEIVER } from "../world/upstreams.ts";
import { ATTEMPT_SECONDS } from "../world/world.ts";
import { INTAKE, OPERATIONS } from "./catalogue.ts";
import { describeFaults } from "./each-call.ts";
import { aSucceededJob, limit } from "./rows.ts";
import type { Expected, Story } from "./story.ts";

const LOST = { at: "intake d1 submit job", fault: "fails after" } as const;
const ROTATE = "intake d1 rotate webhook secret";
const MAKE_KEY = "intake d1 create api key";
const Answered = z.object({ holdfast: z.object({ job_id: z.string() }) });
const Made = z.object({ id: z.string() });
const Secret = z.object({ secret: z.string() });

const idIn = (answer: { body: unknown }) => Made.parse(answer.body).id;

/** Whether the job's webhook verifies with `secret`. */
function signs({ world }: Story, { jobId }: Expected, secret: string): boolean {
	const webhook = world.received.find(({ data }) => data.id === jobId);
	return webhook !== undefined && signersOf(webhook, [secret]).includes(0);
}

const asOperator = { isAdmin: true };

async function administerTenants(story: Story): Promise<void> {
	const tenant = idIn(await story.send("POST", "/v1/admin/tenants", { ...asOperator, json: { name: "acme" } }));
	const path = `/v1/admin/tenants/${tenant}`;
	await story.send("GET", path, asOperator);
	await story.send("PATCH", path, { ...asOperator, json: { name: "Acme" } });
	await story.send("GET", "/v1/admin/tenants", asOperator);
	await story.send("GET", `/v1/admin/tenants/${story.tenantId}/audit_log`, asOperator);
	const name = () => env.DB.prepare("SELECT name FROM tenants WHERE id = ?1").bind(tenant).first("name");
	story.wish("the tenant has the name that it was given", async () => (await name()) === "Acme");
}

async function deleteATenant(story: Story): Promise<void> {
	const tenant = idIn(await story.send("POST", "/v1/admin/tenants", { ...asOperator, json: { name: "gone" } }));
	await story.send("DELETE", `/v1/admin/tenants/${tenant}`, { ...asOperator, statusOfRepeat: 404 });
	const entries = "SELECT count(*) AS n FROM audit_log WHERE tenant_id = ?1 AND action = 'tenant.deleted'";
	const named = env.DB.prepare("SELECT 1 FROM tenants WHERE id = ?1 AND deleted_at IS NULL").bind(tenant);
	story.wish("there is no such tenant", async () => (await named.first()) === null);
	story.wish("the audit log has it once", async () => (await env.DB.prepare(entries).bind(tenant).first("n")) === 1);
}

async function administerKeys(story: Story): Promise<void> {
	const path = `/v1/admin/tenants/${story.tenantId}/keys`;
	const key = idIn(await story.send("POST", path, { ...asOperator, json: { name: "k" } }));
	await story.send("GET", path, asOperator);
	await story.send("GET", `${path}?after=${"key_".padEnd(30, "0")}`, asOperator);
	await story.send("DELETE", `/v1/admin/keys/${key}`, asOperator);
	await story.send("GET", "/v1/admin/status", asOperator);
	const row = () => env.DB.prepare("SELECT revoked_at FROM api_keys WHERE id = ?1").bind(key).first("revoked_at");
	story.wish("the key is revoked", async () => (await row()) !== null);
}

async function manageKeys(story: Story): Promise<void> {
	const first = idIn(await story.send("POST", "/v1/keys", { json: { name: "first" } }));
	const second = idIn(await story.send("POST", "/v1/keys", { json: { name: "second" } }));
	await story.send("GET", `/v1/keys/${first}`);
	await story.send("GET", "/v1/keys");
	await story.send("GET", "/v1/audit_log");
	await story.send("POST", "/v1/session", { json: { key: story.key } });
	await story.send("DELETE", `/v1/keys/${first}`);
	const revokedAt = (key: string) =>
		env.DB.prepare("SELECT revoked_at FROM api_keys WHERE id = ?1").bind(key).first<number>("revoked_at");
	story.wish("the first key is revoked", async () => (await revokedAt(first)) !== null);
	story.wish("the second key is not", async () => (await revokedAt(second)) === null);
	const count = env.DB.prepare("SELECT count(*) AS n FROM api_keys WHERE tenant_id = ?1").bind(story.tenantId);
	const isLost = story.world.gate.injected.some(({ rule }) => rule.at === MAKE_KEY);
	// Of three that are known, one is the story's own. Where two replies in a row are lost, the request is repeated.
	story.wish("there is no other key", async () => isLost || (await count.first<number>("n")) === 3);
}

describeFaults("intake", { calls: INTAKE, operations: OPERATIONS.intake }, [
	{
		name: "a job that is submitted with a key",
		tries: /POST \/v1\/jobs:/,
		play: (story) => story.submit({ prompt: "submitted", hasWebhook: true, json: { delay_seconds: 5 } }),
	},
	{
		name: "a job that is read in all ways, and listed",
		async play(story) {
			const job = await aSucceededJob(story, "read");
			await aDelivery(job, { url: RECEIVER, createdAt: story.world.startedAt });
			const path = `/v1/jobs/${job.jobId}`;
			await story.send("GET", path);
			await story.send("GET", `${path}?include=input,result,attempts,deliveries`);
			await story.send("GET", `${path}/input`);
			await story.send("GET", `${path}/result`);
			await story.send("GET", `${path}/attempts`);
			await story.send("GET", `${path}/deliveries`);
			await story.send("GET", "/v1/jobs?status=succeeded&include=result");
			await story.send("GET", "/v1/usage");
			await story.send("GET", "/v1/backlog");
			await story.send("GET", "/v1/stats");
			await story.send("GET", "/v1/models");
			await story.send("GET", "/v1/models/simulated%2Fecho");
		},
	},
	{
		name: "a caller whose requests are counted",
		tries: /limiter/,
		async play(story) {
			for (let units = 0; units < UNITS_PER_COUNT; units += 10) await story.send("GET", "/v1/jobs");
		},
	},
	{
		name: "a request without a valid key, which is counted by its address",
		tries: /limiter/,
		async play(story) {
			const headers = { authorization: "Bearer hf_none", "cf-connecting-ip": "203.0.113.7" };
			await story.send("GET", "/v1/jobs", { headers, otherStatus: 401 });
		},
	},
	{
		name: "a job that is submitted without a key and waited for",
		tries: /POST \/v1\/jobs:/,
		play: (story) => story.submit({ prompt: "waited for", hasWebhook: true, idempotencyKey: null, waitSeconds: 20 }),
	},
	{
		name: "a chat completion, for a program that counts its tries",
		tries: /\/v1\/chat\/completions/,
		async play(story) {
			const prompt = "asked for";
			const messages = [{ role: "user", content: prompt }];
			const holdfast = { timeout_seconds: ATTEMPT_SECONDS, webhook: { url: RECEIVER } };
			const json = { model: "gateway/one", messages, holdfast };
			const { body } = await story.send("POST", "/v1/chat/completions", { json, countsTries: true, waitSeconds: 50 });
			const { job_id: jobId } = Answered.parse(body).holdfast;
			const { tenantId } = story;
			story.expect({ tenantId, jobId, prompt, status: "succeeded", hasWebhook: true, bought: 1 });
		},
	},
	{
		name: "chat completions that are listed, read, changed and erased",
		tries: /\/v1\/chat\/completions/,
		async play(story) {
			const job = await aSucceededJob(story, "stored", {
				hasWebhook: false,
				status: "erased",
				row: { door: "chat", store: true },
			});
			const path = `/v1/chat/completions/${job.jobId.replace("job_", "chatcmpl-")}`;
			await story.send("GET", "/v1/chat/completions");
			await story.send("GET", path);
			await story.send("GET", `${path}/messages`);
			await story.send("POST", path, { json: { metadata: { team: "blue" } } });
			const row = env.DB.prepare("SELECT metadata FROM jobs WHERE id = ?1").bind(job.jobId);
			if ((await row.first("metadata")) !== '{"team":"blue"}') story.world.problem("its metadata is not as it was put");
			await story.send("DELETE", path, { statusOfRepeat: 404 });
			const result = () => env.RESULTS.head(resultKey(job));
			story.wish("the result is erased, too", async () => (await result()) === null);
		},
	},
	...(
		[
			["with a key, whose commit got no reply", [LOST], {}],
			["without a key, whose commit got no reply", [LOST], { idempotencyKey: null }],
			["by a program that counts its tries instead", [], { idempotencyKey: null, countsTries: true }],
			["by such a program, whose commit got no reply", [LOST], { idempotencyKey: null, countsTries: true }],
		] as const
	).map(([what, given, order]) => ({
		name: `a submission ${what}`,
		given: [...given],
		tries: /submit job/,
		play: (story: Story) => story.submit({ prompt: "sent twice", hasWebhook: true, ...order }),
	})),
	{
		name: "a submission that comes again when its receiver is not in DNS any more",
		tries: /idempotency key|addresses|explain/,
		async play(story) {
			const job = await story.submit({ prompt: "replayed", hasWebhook: true });
			await story.pass(2 * MINUTE);
			story.world.upstreams.dns = () => records({});
			const again = await story.submit({ prompt: "replayed", hasWebhook: true });
			story.expected.pop();
			if (again.jobId !== job.jobId) story.world.problem("another job was made of a repeated request");
		},
	},
	{
		name: "a submission over its tenant's limit",
		tries: /submit job/,
		async play(story) {
			await limit(story, "open_jobs", 0);
			const input = { messages: [{ role: "user", content: "one too many" }] };
			await story.send("POST", "/v1/jobs", { json: { input }, otherStatus: 429 });
			const kept = env.DB.prepare("SELECT 1 FROM jobs WHERE tenant_id = ?1").bind(story.tenantId);
			story.wish("there is no such job", async () => (await kept.first()) === null);
		},
	},
	{
		name: "a large job that is run again and then erased",
		tries: /:id|r2 put/,
		async play(story) {
			const old = await story.submit({ prompt: "large", isLarge: true, bought: 2 });
			await story.untilOver(old);
			const headers = { "idempotency-key": "again" };
			const again = await story.send("POST", `/v1/jobs/${old.jobId}/retry`, { headers, json: {} });
			const large = `SELECT input_key FROM jobs WHERE id = '${old.jobId}'`;
			const inputKey = (await env.DB.prepare(large).first<string>("input_key")) ?? "";
			await story.untilOver(story.expect({ ...old, jobId: idIn(again) }));
			const prefix = inputKey.slice(0, inputKey.lastIndexOf("/"));
			await env.RESULTS.put(`${prefix}/${anId("job")}`, "of a submission whose commit was lost");
			await story.send("DELETE", `/v1/jobs/${old.jobId}`, { statusOfRepeat: 404 });
			old.status = "erased";
			const copies = async () => (await env.RESULTS.list({ prefix })).objects.length;
			story.wish("no copy of the input of an erased job is left", async () => (await copies()) === 0);
		},
	},
	{
		name: "jobs that are cancelled: one that waits, one in flight, one too late",
		tries: /cancel/,
		async play(story) {
			const stopped = { status: "cancelled", hasWebhook: true } as const;
			const waiting = await story.submit({ ...stopped, prompt: "waiting", json: { delay_seconds: 30 } });
			const flying = await story.submit({ ...stopped, prompt: "flying", steps: [{ afterMs: 50 * SECOND }] });
			const done = await story.submit({ prompt: "done" });
			await story.pass(5 * SECOND);
			for (const { jobId } of [waiting, flying, done]) await story.send("POST", `/v1/jobs/${jobId}/cancel`);
		},
	},
	{
		name: "jobs that wait for a slot: released by a cancellation, and by a raised limit",
		tries: /cancel|PATCH/,
		async play(story) {
			await limit(story, "running_jobs", 1);
			const steps = [{ afterMs: 50 * SECOND }];
			const holder = await story.submit({ prompt: "holder", status: "cancelled", steps });
			await story.submit({ prompt: "next", hasWebhook: true, steps: [{ afterMs: 20 * SECOND }] });
			await story.submit({ prompt: "last", hasWebhook: true });
			await story.pass(5 * SECOND);
			await story.send("POST", `/v1/jobs/${holder.jobId}/cancel`);
			await story.pass(5 * SECOND);
			const json = { limits: { running_jobs: 2 } };
			await story.send("PATCH", `/v1/admin/tenants/${story.tenantId}`, { ...asOperator, json });
		},
	},
	{ name: "a tenant that is made, looked at and renamed", tries: /admin/, play: administerTenants },
	{ name: "a tenant that is deleted", tries: /DELETE/, play: deleteATenant },
	{ name: "a key that is made, looked for and revoked", tries: /admin/, play: administerKeys },
	{ name: "keys that a tenant makes, looks at and revokes", tries: /\/v1\/(keys|audit_log|session)/, play: manageKeys },
	{
		name: "a key whose commit got no reply",
		given: [{ at: MAKE_KEY, fault: "fails after" }],
		tries: /create api key/,
		play: manageKeys,
	},
	{
		name: "a secret that is rotated while its old one is kept",
		tries: /signing_secret/,
		async play(story) {
			const old = Secret.parse((await story.send("GET", "/v1/webhook_signing_secret")).body).secret;
			const json = { keep_old_secret_active_for_24_hours: true };
			const rotated = await story.send("POST", "/v1/webhook_signing_secret/rotate", { json });
			const job = await story.submit({ prompt: "signed", hasWebhook: true });
			story.wish("the new secret signs", async () => signs(story, job, Secret.parse(rotated.body).secret));
			story.wish("the old secret signs, too", async () => signs(story, job, old));
		},
	},
	{
		name: "a rotation whose commit got no reply",
		given: [{ at: ROTATE, fault: "fails after" }],
		tries: /rotate/,
		async play(story) {
			const rotated = await story.send("POST", "/v1/webhook_signing_secret/rotate", { json: {} });
			const job = await story.submit({ prompt: "signed", hasWebhook: true });
			story.wish("the new secret signs", async () => signs(story, job, Secret.parse(rotated.body).secret));
		},
	},
]);
