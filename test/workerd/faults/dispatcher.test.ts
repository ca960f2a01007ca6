import { SECOND } from "../support/a-job.ts";
import { DISPATCHER } from "./catalogue.ts";
import { describeFaults } from "./each-call.ts";
import { GONE_RECEIVER, RECEIVER } from "./upstreams.ts";

describeFaults("dispatcher", DISPATCHER, [
	{
		name: "a batch of three webhooks, one of a failed job",
		isBatch: true,
		async play(story) {
			await story.submit({ prompt: "one", hasWebhook: true });
			await story.submit({ prompt: "two", hasWebhook: true });
			await story.submit({ prompt: "three", hasWebhook: true, status: "failed", steps: [{ status: 400 }] });
		},
	},
	{
		name: "a receiver that does not take the first",
		async play(story) {
			story.world.upstreams.receipts.push({ status: 500 });
			await story.submit({ prompt: "told again", hasWebhook: true });
		},
	},
	{
		name: "a receiver that is overloaded, and two webhooks that wait for it",
		tries: /park|release|record deliveries|queue/,
		async play(story) {
			story.world.upstreams.receipts.push({ status: 503 });
			await story.submit({ prompt: "too much", hasWebhook: true });
			await story.pass(2 * SECOND);
			await story.submit({ prompt: "waits", hasWebhook: true });
			await story.submit({ prompt: "waits, too", hasWebhook: true });
		},
	},
	{
		name: "a receiver that takes ten seconds to refuse the first",
		tries: /queue|gate slow receiver/,
		async play(story) {
			story.world.upstreams.receipts.push({ status: 500, afterMs: 10 * SECOND });
			await story.submit({ prompt: "told later", hasWebhook: true });
		},
	},
	{
		name: "an endpoint that is gone, and another that hears of it",
		tries: /queue|fetch webhook|record deliveries/,
		async play(story) {
			const endpoint = { name: "e", event_types: ["job.succeeded", "endpoint.*"] };
			await story.ask("POST", "/v1/webhook_endpoints", { json: { ...endpoint, url: GONE_RECEIVER } });
			await story.ask("POST", "/v1/webhook_endpoints", { json: { ...endpoint, url: `${RECEIVER}/here` } });
			await story.submit({ prompt: "told to one", expected: { endpoints: 1, missed: 1 } });
			const told = () => story.world.upstreams.received.filter(({ type }) => type === "endpoint.disabled");
			story.wish("the other endpoint hears of it", async () => told().length === 1);
		},
	},
	{
		name: "deliveries that could not be read together",
		given: [{ at: "dispatcher d1 find pending deliveries", fault: "fails before it takes effect" }],
		tries: /find pending deliveries/,
		async play(story) {
			await story.submit({ prompt: "one", hasWebhook: true });
			await story.submit({ prompt: "two", hasWebhook: true });
		},
	},
	{
		name: "an attempt that was recorded, and nobody heard of it",
		given: [{ at: "dispatcher d1 record deliveries", fault: "takes effect and fails" }],
		tries: /record deliveries/,
		async play(story) {
			await story.submit({ prompt: "recorded twice", hasWebhook: true });
		},
	},
]);
