import { SECOND } from "../support/a-job.ts";
import { describeFaults } from "./each-site.ts";
import { GONE_RECEIVER, RECEIVER } from "./upstreams.ts";

const READ =
	"workers/dispatcher/dispatch-messages.ts#readOrNull → shared/db/deliveries/find-deliveries.ts#findPendingDeliveries";
const RECORD =
	"workers/dispatcher/dispatcher.ts#writeRecords → shared/db/deliveries/record-deliveries.ts#recordDeliveries";

describeFaults("dispatcher", [
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
		tries: /park|release|recordDeliveries/,
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
		tries: /enqueueAgain|openSlowReceiverBreaker/,
		async play(story) {
			story.world.upstreams.receipts.push({ status: 500, afterMs: 10 * SECOND });
			await story.submit({ prompt: "told later", hasWebhook: true });
		},
	},
	{
		name: "an endpoint that is gone, and another that hears of it",
		tries: /deliver\.ts#deliver|recordDeliveries/,
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
		given: [{ at: READ, fault: "fails before it takes effect" }],
		tries: /readOrNull/,
		async play(story) {
			await story.submit({ prompt: "one", hasWebhook: true });
			await story.submit({ prompt: "two", hasWebhook: true });
		},
	},
	{
		name: "an attempt that was recorded, and nobody heard of it",
		given: [{ at: RECORD, fault: "takes effect and fails" }],
		tries: /recordDeliveries/,
		async play(story) {
			await story.submit({ prompt: "recorded twice", hasWebhook: true });
		},
	},
]);
