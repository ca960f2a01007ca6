import { describeFaults } from "./each-site.ts";

const READ = "workers/dispatcher/dispatch-batch.ts#readOrNone → shared/db/find-deliveries.ts#findOwedDeliveries";
const RECORD = "workers/dispatcher/deliver.ts#recordSurely → shared/db/record-delivery.ts#recordDelivery";

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
			story.world.upstreams.receipts.push(500);
			await story.submit({ prompt: "told again", hasWebhook: true });
		},
	},
	{
		name: "deliveries that could not be read together",
		given: [{ at: READ, fault: "fails before it takes effect" }],
		tries: /readOrNone/,
		async play(story) {
			await story.submit({ prompt: "one", hasWebhook: true });
			await story.submit({ prompt: "two", hasWebhook: true });
		},
	},
	{
		name: "an attempt that was recorded, and nobody heard of it",
		given: [{ at: RECORD, fault: "takes effect and fails" }],
		tries: /recordSurely/,
		async play(story) {
			await story.submit({ prompt: "recorded twice", hasWebhook: true });
		},
	},
]);
