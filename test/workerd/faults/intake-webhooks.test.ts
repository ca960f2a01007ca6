import { env } from "cloudflare:workers";
import { Webhook } from "standardwebhooks";
import { z } from "zod";
import { deliveryIdOf } from "../../support/event-ids.ts";
import { aDelivery, HOUR, SECOND } from "../support/a-job.ts";
import { INTAKE_OF_WEBHOOKS } from "./catalogue.ts";
import { describeFaults } from "./each-call.ts";
import { aSucceededJob, limit } from "./rows.ts";
import type { Story } from "./story.ts";
import { RECEIVER } from "./upstreams.ts";

const ENDPOINT = { name: "mine", url: RECEIVER, event_types: ["job.succeeded"] };
const CREATE = "intake d1 create webhook endpoint";
const ROTATE = "intake d1 rotate endpoint secret";
const Made = z.object({ id: z.string(), signing_secret: z.string() });

async function anEndpoint(story: Story) {
	const made = await story.ask("POST", "/v1/webhook_endpoints", { json: ENDPOINT });
	const { id, signing_secret: secret } = Made.parse(made.body);
	return { id, secret, path: `/v1/webhook_endpoints/${id}` };
}

async function countEndpoints(): Promise<number> {
	return (await env.DB.prepare("SELECT count(*) AS n FROM webhook_endpoints").first<number>("n")) ?? 0;
}

/** Whether the last webhook that came verifies with `secret`. */
function signs({ world }: Story, secret: string): boolean {
	const told = world.upstreams.received.at(-1);
	if (told === undefined) return false;
	const at = new Date(Number(told.headers.get("webhook-timestamp")) * 1000);
	const signature = new Webhook(secret).sign(told.id, at, told.body);
	return told.headers.get("webhook-signature")?.split(" ").includes(signature) === true;
}

/** A webhook to the endpoint that it never got. */
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

describeFaults("intake", INTAKE_OF_WEBHOOKS, [
	{
		name: "an endpoint that is made, looked at, changed and deleted",
		tries: /webhook_endpoints/,
		async play(story) {
			const { path } = await anEndpoint(story);
			const other = await anEndpoint(story);
			await story.ask("GET", path);
			await story.ask("GET", "/v1/webhook_endpoints");
			await story.ask("POST", path, { json: { name: "renamed" } });
			await story.ask("DELETE", other.path, { orElse: 404 });
			await limit(story, "webhook_endpoints", 1);
			await story.ask("POST", "/v1/webhook_endpoints", { json: ENDPOINT, mayAnswer: 409 });
			story.wish("there is one endpoint, and no other", async () => (await countEndpoints()) === 1);
		},
	},
	...(["takes effect and fails", "fails before it takes effect"] as const).map((fault) => ({
		name: `an endpoint of which D1 did not say that it has it: it ${fault}`,
		given: [{ at: CREATE, fault }],
		tries: /create webhook endpoint/,
		play: async (story: Story) => void (await anEndpoint(story)),
	})),
	{
		name: "an endpoint that is tried, and whose secret is rotated while its old one is kept",
		tries: /rotate_secret|\/test/,
		async play(story) {
			const { path, secret } = await anEndpoint(story);
			await story.ask("POST", `${path}/test`, { json: { event_type: "job.succeeded" }, mayAnswer: 409 });
			const json = { keep_old_secret_active_for_24_hours: true };
			const { body } = await story.ask("POST", `${path}/rotate_secret`, { json });
			await story.submit({ prompt: "signed", expected: { endpoints: 1 } });
			story.wish("the new secret signs", async () => signs(story, Made.parse(body).signing_secret));
			story.wish("the old secret signs, too", async () => signs(story, secret));
		},
	},
	{
		name: "a rotation of which D1 did not say that it has it",
		given: [{ at: ROTATE, fault: "takes effect and fails" }],
		tries: /rotate_secret/,
		async play(story) {
			const { path } = await anEndpoint(story);
			const { body } = await story.ask("POST", `${path}/rotate_secret`, { json: {} });
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
			await story.ask("POST", `${path}/enable`, { json: {} });
			await story.ask("GET", `${path}/deliveries`);
			await env.DB.prepare("UPDATE deliveries SET created_at = created_at - 1 WHERE id = ?1")
				.bind(last.deliveryId)
				.run();
			await story.ask("GET", `${path}/deliveries?after=${last.deliveryId}`);
			const since = new Date(story.world.startedAt - 2 * HOUR).toISOString();
			await story.ask("POST", `${path}/recover`, { json: { since } });
		},
	},
	{
		name: "webhooks that are asked for again",
		tries: /redeliver|deliveries/,
		async play(story) {
			// Each request may be sent twice, and each then tells.
			const job = await aSucceededJob(story, "told again", { toldAgain: 4 });
			const { deliveryId } = await aDelivery(job, { url: RECEIVER, createdAt: story.world.startedAt });
			await story.pass(5 * SECOND);
			await story.ask("GET", `/v1/deliveries/${deliveryId}`);
			await story.ask("POST", `/v1/deliveries/${deliveryId}/redeliver`, { json: {} });
			await story.pass(5 * SECOND);
			await story.ask("POST", `/v1/jobs/${job.jobId}/redeliver`, { json: {} });
		},
	},
]);
