import { env } from "cloudflare:workers";
import { z } from "zod";
import { deliveryIdOf } from "../../support/event-ids.ts";
import { aDelivery, HOUR, SECOND } from "../support/a-job.ts";
import { signersOf } from "../support/signers.ts";
import { RECEIVER } from "../world/upstreams.ts";
import { INTAKE_OF_WEBHOOKS, OPERATIONS } from "./catalogue.ts";
import { describeFaults } from "./each-call.ts";
import { aSucceededJob, limit } from "./rows.ts";
import type { Story } from "./story.ts";

const ENDPOINT = { name: "mine", url: RECEIVER, event_types: ["job.succeeded"] };
const CREATE = "intake d1 create webhook endpoint";
const ROTATE = "intake d1 rotate endpoint secret";
const Made = z.object({ id: z.string(), signing_secret: z.string() });

async function anEndpoint(story: Story) {
	const made = await story.send("POST", "/v1/webhook_endpoints", { json: ENDPOINT });
	const { id, signing_secret: secret } = Made.parse(made.body);
	return { id, secret, path: `/v1/webhook_endpoints/${id}` };
}

async function countEndpoints(): Promise<number> {
	return (await env.DB.prepare("SELECT count(*) AS n FROM webhook_endpoints").first<number>("n")) ?? 0;
}

/** Whether the last webhook verifies with `secret`. */
function signs({ world }: Story, secret: string): boolean {
	const webhook = world.received.at(-1);
	return webhook !== undefined && signersOf(webhook, [secret]).includes(0);
}

/** A webhook that the endpoint never got. */
async function aMissedDelivery(story: Story, endpointId: string, prompt: string) {
	const job = await aSucceededJob(story, prompt, { hasWebhook: false, endpoints: 1 });
	const times = { createdAt: story.world.startedAt - HOUR, finishedAt: story.world.startedAt - SECOND };
	const deliveryId = deliveryIdOf(job.jobId, "succeeded", endpointId);
	return await aDelivery(job, {
		...times,
		deliveryId,
		endpointId,
		url: RECEIVER,
		status: "exhausted",
		attemptsMade: 1,
	});
}

describeFaults("intake", { calls: INTAKE_OF_WEBHOOKS, operations: OPERATIONS.webhooks }, [
	{
		name: "an endpoint that is made, looked at, changed and deleted",
		tries: /webhook_endpoints/,
		async play(story) {
			const { path } = await anEndpoint(story);
			const other = await anEndpoint(story);
			await story.send("GET", path);
			await story.send("GET", "/v1/webhook_endpoints");
			await story.send("POST", path, { json: { name: "renamed" } });
			await story.send("DELETE", other.path, { statusOfRepeat: 404 });
			await limit(story, "webhook_endpoints", 1);
			await story.send("POST", "/v1/webhook_endpoints", { json: ENDPOINT, otherStatus: 409 });
			story.wish("there is one endpoint, and no other", async () => (await countEndpoints()) === 1);
		},
	},
	...(["fails after", "fails before"] as const).map((fault) => ({
		name: `an endpoint whose commit got no reply: it ${fault}`,
		given: [{ at: CREATE, fault }],
		tries: /create webhook endpoint/,
		play: async (story: Story) => void (await anEndpoint(story)),
	})),
	{
		name: "an endpoint that is tested, and whose secret is rotated while its old one is kept",
		tries: /rotate_secret|\/test/,
		async play(story) {
			const { path, secret } = await anEndpoint(story);
			await story.send("POST", `${path}/test`, { json: { event_type: "job.succeeded" }, otherStatus: 409 });
			const json = { keep_old_secret_active_for_24_hours: true };
			const { body } = await story.send("POST", `${path}/rotate_secret`, { json });
			await story.submit({ prompt: "signed", expected: { endpoints: 1 } });
			story.wish("the new secret signs", async () => signs(story, Made.parse(body).signing_secret));
			story.wish("the old secret signs, too", async () => signs(story, secret));
		},
	},
	{
		name: "a rotation whose commit got no reply",
		given: [{ at: ROTATE, fault: "fails after" }],
		tries: /rotate_secret/,
		async play(story) {
			const { path } = await anEndpoint(story);
			const { body } = await story.send("POST", `${path}/rotate_secret`, { json: {} });
			await story.submit({ prompt: "signed", expected: { endpoints: 1 } });
			story.wish("the new secret signs", async () => signs(story, Made.parse(body).signing_secret));
		},
	},
	{
		name: "a disabled endpoint that is enabled, and gets what it missed",
		tries: /deliveries|recover|enable/,
		async play(story) {
			const { id, path } = await anEndpoint(story);
			await env.DB.prepare(
				"UPDATE webhook_endpoints SET status = 'disabled', disabled_at = ?1, disabled_reason = 'gone'",
			)
				.bind(story.world.startedAt)
				.run();
			await aMissedDelivery(story, id, "missed");
			const last = await aMissedDelivery(story, id, "missed, too");
			await story.send("POST", `${path}/enable`, { json: {} });
			await story.send("GET", `${path}/deliveries`);
			await story.send("GET", "/v1/deliveries?status=skipped");
			await env.DB.prepare("UPDATE deliveries SET created_at = created_at - 1 WHERE id = ?1")
				.bind(last.deliveryId)
				.run();
			await story.send("GET", `${path}/deliveries?after=${last.deliveryId}`);
			const since = new Date(story.world.startedAt - 2 * HOUR).toISOString();
			await story.send("POST", `${path}/recover`, { json: { since } });
		},
	},
	{
		name: "webhooks that are requested again",
		tries: /redeliver|deliveries/,
		async play(story) {
			// Each request may be sent twice, and then redelivers twice.
			const job = await aSucceededJob(story, "redelivered", { redelivered: 4 });
			const { deliveryId } = await aDelivery(job, { url: RECEIVER, createdAt: story.world.startedAt });
			await story.pass(5 * SECOND);
			await story.send("GET", `/v1/deliveries/${deliveryId}`);
			await story.send("POST", `/v1/deliveries/${deliveryId}/redeliver`, { json: {} });
			await story.pass(5 * SECOND);
			await story.send("POST", `/v1/jobs/${job.jobId}/redeliver`, { json: {} });
		},
	},
]);
