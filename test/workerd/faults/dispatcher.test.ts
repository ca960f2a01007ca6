import { SECOND } from "../support/a-job.ts";
import { RECEIVER, status } from "../world/upstreams.ts";
import { DISPATCHER } from "./catalogue.ts";
import { describeFaults } from "./each-call.ts";

describeFaults("dispatcher", { calls: DISPATCHER }, [
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
		tries: /record deliveries|#2/,
		async play(story) {
			story.world.upstreams.replies = [status(500), status(204)];
			await story.submit({ prompt: "sent again", hasWebhook: true });
		},
	},
	{
		name: "a receiver that is overloaded, and two webhooks that wait for it",
		tries: /park|release|record deliveries|queue/,
		async play(story) {
			story.world.upstreams.replies = [status(503), status(204)];
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
			const { upstreams } = story.world;
			upstreams.replies = [upstreams.after(10 * SECOND, status(500)), status(204)];
			await story.submit({ prompt: "sent later", hasWebhook: true });
		},
	},
	{
		name: "an endpoint that is gone, and another that gets the event of that",
		tries: /queue|fetch webhook|record deliveries/,
		async play(story) {
			const url = `${RECEIVER}/gone`;
			story.world.upstreams.replies = [(received) => status(received.url === url ? 410 : 204)(received)];
			const endpoint = { name: "e", event_types: ["job.succeeded", "endpoint.*"] };
			await story.send("POST", "/v1/webhook_endpoints", { json: { ...endpoint, url } });
			await story.send("POST", "/v1/webhook_endpoints", { json: { ...endpoint, url: `${RECEIVER}/here` } });
			await story.submit({ prompt: "sent to one", expected: { endpoints: 1, missed: 1 } });
			const events = () => story.world.received.filter(({ type }) => type === "endpoint.disabled");
			story.wish("the other endpoint gets the event", async () => events().length === 1);
		},
	},
	{
		name: "deliveries that could not be read together",
		given: [{ at: "dispatcher d1 find pending deliveries", fault: "fails before" }],
		tries: /find pending deliveries/,
		async play(story) {
			await story.submit({ prompt: "one", hasWebhook: true });
			await story.submit({ prompt: "two", hasWebhook: true });
		},
	},
	{
		name: "a receiver whose name DNS does not resolve at first",
		given: [{ at: "dispatcher fetch addresses", fault: "fails before" }],
		tries: /postpone/,
		play: (story) => story.submit({ prompt: "resolved later", hasWebhook: true }),
	},
	{
		name: "an attempt whose record got no reply",
		given: [{ at: "dispatcher d1 record deliveries", fault: "fails after" }],
		tries: /record deliveries/,
		play: (story) => story.submit({ prompt: "recorded twice", hasWebhook: true }),
	},
]);
