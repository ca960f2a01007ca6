/** Webhooks: queue, signatures, slow and redirecting receivers, and receivers that are refused. */
import { z } from "zod";
import { receiveWebhook } from "../../../shared/webhooks/receive.ts";
import { messageOf } from "../call-api.ts";
import type { Delivery } from "./caller.ts";
import { type Check, MODEL, type Outcome, onlyOnCloudflare, prompt, type Run, seconds, skipped } from "./check.ts";
import { CheckFailed, expectThat, until } from "./expect.ts";
import { type Echo, type Receiver, readEcho, SLOW_MS } from "./receiver.ts";

/** Deliveries to one receiver wait for its slow one, and the sweeper sends what was missed. */
const DELIVERED_WITHIN_MS = 100_000;

/** Submits a job with a thin webhook, and resolves to the first attempt of each delivery, or of those before the receiver failed. */
async function deliver({ receiver, tenant, signal }: Run, url: string, events: string[]): Promise<Attempted[]> {
	const webhook = { url, events, payload: "thin" };
	const { id } = await tenant.submit({ model: MODEL, input: { messages: prompt() }, webhook });
	return await until(signal, DELIVERED_WITHIN_MS, `${events.join(" and ")} were not sent`, async () => {
		const deliveries = await tenant.deliveries(id);
		const sent = deliveries.flatMap((delivery) => {
			const [attempt] = delivery.attempts;
			return attempt === undefined ? [] : [{ delivery, attempt }];
		});
		const isOver = sent.length === events.length || sent.some((each) => receiverFailed(receiver, each) !== null);
		return isOver ? sent : null;
	});
}

type Attempted = { delivery: Delivery; attempt: Delivery["attempts"][number] };

/** What a receiver elsewhere fails with says nothing about the service. Null: it did as it should, or it is this machine's. */
function receiverFailed({ isOurs }: Receiver, { attempt: { status, error } }: Attempted): Outcome | null {
	const isAvailable =
		status === null
			? !/^(No reply within|Could not connect)/.test(error ?? "")
			: status < 500 && !REFUSALS.includes(status);
	if (isOurs || isAvailable) return null;
	const problem = status === null ? `the receiver did not reply (${error})` : `the receiver replied ${status}`;
	return skipped(`${problem}: try again, or name another by --receiver`);
}

const REFUSALS = [404, 405, 429];

function expectDelivered({ delivery, attempt }: Attempted): void {
	const { event_type, status, attempts } = delivery;
	if (status !== "delivered") throw new CheckFailed(`${event_type} is ${status}: ${attempt.error}`);
	expectThat(attempts.length === 1, `${event_type} took ${attempts.length} attempts`);
}

export const signedWebhooks: Check = {
	number: 14,
	name: "Signed webhooks",
	async run(run) {
		const { secret } = await run.tenant.read("/v1/webhook_signing_secret", z.object({ secret: z.string() }));
		const sent = await deliver(run, run.receiver.echo, ["job.started", "job.succeeded"]);
		for (const each of sent) {
			const failed = receiverFailed(run.receiver, each);
			if (failed !== null) return failed;
			expectDelivered(each);
			const unseen = expectSigned(each, secret);
			if (unseen !== null) return unseen;
		}
		return `${sent.map(({ delivery }) => delivery.event_type).join(" and ")} delivered, their signatures are valid`;
	},
};

const SIGNATURE_HEADERS = ["webhook-id", "webhook-timestamp", "webhook-signature"];

/** Not null: the kept part of the reply does not show all that was signed. */
function expectSigned({ delivery, attempt }: Attempted, secret: string): Outcome | null {
	const echo = readEcho(attempt.response ?? "");
	const headers = signatureHeaders(echo);
	if (headers === null) {
		expectThat(!echo.isWhole || echo.data === "", `${delivery.event_type} has no signature`);
		return skipped("delivered; the first KiB of the receiver's reply does not show the signature: see --receiver");
	}
	expectThat(headers["webhook-id"] === delivery.event_id, `the webhook-id is not the event's id ${delivery.event_id}`);
	const event = receiveWebhook([secret], echo.data, headers);
	if (event === null) throw new CheckFailed(`the signature of ${delivery.event_type} is invalid`);
	expectThat(event.type === delivery.event_type, `${delivery.event_type} was sent as ${event.type}`);
	expectThat(Object.keys(event.data).length === 3, "a thin event has more than id, object and status");
	return null;
}

function signatureHeaders(echo: Echo): Record<string, string> | null {
	const found = SIGNATURE_HEADERS.map((name) => [name, echo.header(name)] as const);
	return found.some(([, value]) => value === null)
		? null
		: Object.fromEntries(found.map(([name, value]) => [name, value ?? ""]));
}

export const slowReceiver: Check = {
	number: 15,
	name: "Slow receivers",
	async run(run) {
		// As another tenant, because a receiver that replies slowly gets nothing else of its tenant meanwhile.
		const [sent] = await deliver({ ...run, tenant: run.narrowTenant }, run.receiver.slow, ["job.succeeded"]);
		if (sent === undefined) throw new CheckFailed("no webhook was sent");
		const failed = receiverFailed(run.receiver, sent);
		if (failed !== null) return failed;
		expectDelivered(sent);
		const { duration_ms } = sent.attempt;
		expectThat(duration_ms >= SLOW_MS - 1, `a receiver that takes ${seconds(SLOW_MS)} took ${seconds(duration_ms)}`);
		return `delivered in ${seconds(duration_ms)}, by one attempt`;
	},
};

export const redirectingReceiver: Check = {
	number: 16,
	name: "Redirecting receivers",
	async run(run) {
		const [sent] = await deliver(run, run.receiver.redirecting, ["job.succeeded"]);
		if (sent === undefined) throw new CheckFailed("no webhook was sent");
		const failed = receiverFailed(run.receiver, sent);
		if (failed !== null) return failed;
		const { status, error } = sent.attempt;
		expectThat(sent.delivery.status !== "delivered", "a redirect counts as delivered, or was followed");
		expectThat(/redirects are not followed/.test(error ?? ""), `a redirect became ${status}: ${error}`);
		return `${status}: not followed`;
	},
};

/** Refused anywhere, by their form. */
const REFUSED = [
	"https://10.0.0.1/hook",
	"https://169.254.169.254/latest/meta-data",
	"https://user:password@example.com/hook",
	"https://example.com:22/hook",
	"https://metadata.internal/hook",
];
/** Refused for what DNS says about their names, both of them loopback addresses. */
const PRIVATE_BY_DNS = ["https://127.0.0.1.nip.io/hook", "https://localtest.me/hook"];

export const refusedReceivers: Check = {
	number: 17,
	name: "Refused receivers",
	async run(run) {
		const urls = run.options.isLocal ? REFUSED : [...REFUSED, "http://example.com/hook", `${run.options.url}/hook`];
		await Promise.all(urls.map((url) => expectReceiverRefused(run, url)));
		return `${urls.length} of ${urls.length}: private addresses, ports and names${run.options.isLocal ? "" : ", http, itself"}`;
	},
};

const PRIVATE = /must resolve to public addresses only/;

export const privateByDns: Check = {
	number: 17,
	name: "Receivers' DNS",
	async run(run) {
		if (run.options.isLocal) return onlyOnCloudflare("npm start resolves no host names");
		const reasons = await Promise.all(PRIVATE_BY_DNS.map((url) => expectReceiverRefused(run, url)));
		for (const [nth, reason] of reasons.entries())
			expectThat(
				PRIVATE.test(reason),
				`${PRIVATE_BY_DNS[nth]} was refused, but not for its private address: ${reason}`,
			);
		return reasons.join(" ");
	},
};

const Refusal = z.object({ error: z.object({ param: z.string().nullable() }) });

async function expectReceiverRefused({ tenant }: Run, url: string): Promise<string> {
	const { status, body } = await tenant.submission({
		model: MODEL,
		input: { messages: prompt() },
		webhook: { url },
		// If it is accepted after all, it runs only after this run has removed it.
		delay_seconds: 86_400,
	});
	expectThat(status === 400, `a webhook to ${new URL(url).host} was not refused: ${status}`);
	const { param } = Refusal.parse(body).error;
	expectThat(param === "webhook.url", `a webhook to ${new URL(url).host} was refused for ${param}: ${messageOf(body)}`);
	return messageOf(body);
}
