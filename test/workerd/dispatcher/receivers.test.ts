import { describe, expect, it } from "vitest";
import { runtime } from "../../../workers/runtime.ts";
import {
	DNS_URL,
	type DnsReply,
	NAMES,
	never,
	PRIVATE,
	PUBLIC,
	replyOfNames,
	type TrapName,
} from "../../support/fake-dns.ts";
import { ALLOWED_URLS, OWN, OWN_URL, REFUSED_URLS } from "../../support/url-corpus.ts";
import { aCaller, sendTo } from "../intake/caller.ts";
import { jobIn, LATER } from "../intake/jobs.ts";
import { theServices } from "../intake/services.ts";
import {
	aDelivery,
	aJob,
	aTenant,
	HOUR,
	MINUTE,
	reloadDelivery,
	SECOND,
	type StoredDelivery,
} from "../support/a-job.ts";
import { aModel, answered } from "../world/model.ts";
import { World } from "../world/world.ts";

const SCHEDULE = { deliveryScheduleMs: [0, 5 * SECOND, 5 * MINUTE] };
const PRODUCTION = { allowInsecureWebhooks: false, webhookDnsUrl: DNS_URL, publicUrl: OWN_URL, ...SCHEDULE };

/** A dispatcher as it is in production, with a resolver that replies so. */
function inProduction(reply: (host: string) => DnsReply) {
	const world = new World({ config: PRODUCTION });
	world.upstreams.dns = reply;
	const { received, questions } = world.upstreams;
	return { world, received, questions, urls: () => received.map(({ url }) => url) };
}

async function aStoredDelivery(url: string): Promise<StoredDelivery> {
	const { tenantId } = await aTenant();
	return await aDelivery(await aJob({ tenantId, status: "failed", origin: OWN_URL }), { url });
}

/** What becomes of a delivery to each of `urls` after one attempt, made side by side. */
async function attempted(urls: readonly string[], reply: (host: string) => DnsReply, origin?: string) {
	const { world, received, questions, urls: sentTo } = inProduction(reply);
	const { tenantId } = await aTenant();
	const job = await aJob({ tenantId, status: "failed", origin: origin ?? OWN_URL });
	const deliveries: StoredDelivery[] = [];
	for (const url of urls) deliveries.push(await aDelivery(job, { url, deliveryId: `dlv_${deliveries.length}` }));
	const [first, ...rest] = deliveries;
	if (first === undefined) throw new Error("nothing to send");
	await world.start().dispatch(first, ...rest);
	const after = await Promise.all(deliveries.map(reloadDelivery));
	expect(world.runtime.pendingTimers()).toBe(0);
	return { after, received, questions, sent: sentTo(), now: world.runtime.now() };
}

/** Recorded as a failure in plain words, and due again by the schedule. */
const notSent = (problem: unknown) => ({
	status: "pending",
	attemptsMade: 1,
	nextAttemptAt: expect.any(Number),
	attempts: [{ status: null, response: null, error: problem }],
});

describe("a stored address is checked again before each attempt", () => {
	it("and nothing is sent to any of the table, however it came to be stored", async () => {
		const { after, sent, questions } = await attempted(
			REFUSED_URLS.map(({ url }) => url),
			() => PUBLIC,
		);
		expect([sent, questions]).toEqual([[], []]);
		expect(after).toMatchObject(REFUSED_URLS.map(({ url, problem }) => ({ url, ...notSent(`Not sent: ${problem}`) })));
	});

	it("and each that is allowed is sent to, in its normal form", async () => {
		const { after, sent } = await attempted(
			ALLOWED_URLS.map(({ url }) => url),
			() => PUBLIC,
		);
		expect(sent.sort()).toEqual(ALLOWED_URLS.map(({ stored }) => stored).sort());
		expect(after).toMatchObject(ALLOWED_URLS.map(() => ({ status: "delivered" })));
	});

	it("and what DNS says of its name decides: where it says nothing, nothing is sent, and the next attempt follows", async () => {
		const { after, sent, now } = await attempted(
			NAMES.map(({ host }) => `https://${host}/hook`),
			replyOfNames,
		);
		const isPublic = ({ found }: TrapName) => found.kind === "public";
		expect(sent.map((url) => new URL(url).hostname).sort()).toEqual(
			NAMES.filter(isPublic)
				.map(({ host }) => host)
				.sort(),
		);
		const inWords = expect.stringMatching(/^Not sent: The URL's host .+\.$/);
		expect(after).toMatchObject(NAMES.map((name) => (isPublic(name) ? { status: "delivered" } : notSent(inWords))));
		for (const delivery of after) {
			if (delivery?.status === "pending") expect((delivery.nextAttemptAt ?? 0) - now).toBeLessThanOrEqual(6 * SECOND);
		}
	});

	it("and this service sends nothing to itself, by PUBLIC_URL or as the caller reached it", async () => {
		const hosts = ["jobs.acme.com", "v2.jobs.acme.com:8443", "holdfast.acme.workers.dev", "other.acme.workers.dev"];
		const urls = hosts.map((host) => `https://${host}/v1/jobs`);
		const { after, sent } = await attempted(urls, () => PUBLIC, "https://jobs.acme.com");
		expect(sent).toEqual([]);
		expect(after).toMatchObject(urls.map(() => notSent(`Not sent: ${OWN}`)));
	});

	it("and the request has the headers of Standard Webhooks, and none that a caller chose", async () => {
		const { received } = await attempted(["https://hooks.example.com/?host=a&cookie=b"], () => PUBLIC);
		expect(received.map(({ headers }) => Object.keys(headers).sort())).toEqual([
			["content-type", "user-agent", "webhook-id", "webhook-signature", "webhook-timestamp"],
		]);
	});
});

describe("a name that changes", () => {
	it("from public at submission to private is not sent to, and is again once it is public", async () => {
		let reply = PUBLIC;
		const { key, tenantId } = await aCaller();
		const { world, urls, questions } = inProduction(() => reply);
		const { server } = theServices({
			config: { ...theServices().services.config, ...PRODUCTION },
			runtime: { ...runtime, fetch: world.start().runtime.fetch },
		});
		const json = { ...LATER, webhook: { url: "https://flip.example.com/hook" } };
		const submitted = await sendTo(server, "POST", "/v1/jobs", { key, json });
		expect(submitted.status).toBe(202);

		reply = PRIVATE;
		await world.advance(runtime.now() + 2 * HOUR - world.runtime.now());
		await world.start(aModel(answered())).consume({ tenantId, jobId: jobIn(submitted).id });
		const [delivery] = world.deliveries.take();
		if (delivery === undefined) throw new Error("nothing was enqueued");
		await world.start().dispatch(delivery);
		expect(urls()).toEqual([]);
		const refused = await reloadDelivery(delivery);
		expect(refused).toMatchObject(notSent(expect.stringContaining("10.0.0.5")));

		reply = PUBLIC;
		const before = questions.length;
		await world.advance(6 * SECOND);
		await world.start().dispatch(delivery);
		expect(urls()).toEqual(["https://flip.example.com/hook"]);
		// Nothing is kept from one attempt to the next.
		expect(questions.length).toBe(before + 2);
		expect(await reloadDelivery(delivery)).toMatchObject({ status: "delivered", attemptsMade: 2 });
	});

	it("and stays private exhausts the delivery by the schedule, unsent", async () => {
		const { world, urls } = inProduction(() => PRIVATE);
		const delivery = await aStoredDelivery("https://private.example.com/");
		for (let attempt = 0; attempt < 3; attempt++) {
			await world.start().dispatch(delivery);
			await world.advance(10 * MINUTE);
		}
		expect(urls()).toEqual([]);
		expect(await reloadDelivery(delivery)).toMatchObject({ status: "exhausted", attemptsMade: 3 });
	});

	it("or has no reply holds neither its own dispatcher for more than 3 s, nor its neighbours at all", async () => {
		const { world, urls } = inProduction((host) => (host === "silent.example.com" ? never : PUBLIC));
		const startedAt = world.runtime.now();
		const silent = await aStoredDelivery("https://silent.example.com/");
		const quick = await aStoredDelivery("https://quick.example.com/");
		await world.start().dispatch(silent, quick);
		expect(world.runtime.now() - startedAt).toBe(3 * SECOND);
		expect(urls()).toEqual(["https://quick.example.com/"]);
		expect(await reloadDelivery(quick)).toMatchObject({ status: "delivered", finishedAt: startedAt });
		expect(await reloadDelivery(silent)).toMatchObject({ attempts: [{ durationMs: 3 * SECOND }] });
	});
});
