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
const PRODUCTION = {
	allowInsecureWebhooks: false,
	webhookDnsUrl: DNS_URL,
	publicUrl: OWN_URL,
	ownUrls: ["https://jobs.acme.org"],
	...SCHEDULE,
};

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

/** Nothing is recorded: it waits for DNS, without using an attempt. */
const POSTPONED = { status: "pending", attemptsMade: 0, attempts: [] };

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

	it("and what DNS says of its name decides: where it says nothing, nothing is sent, and no attempt is used", async () => {
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
		const refused = notSent(inWords);
		const expected = { public: { status: "delivered" }, unknown: POSTPONED, private: refused, missing: refused };
		expect(after).toMatchObject(NAMES.map(({ found }) => expected[found.kind]));
		for (const delivery of after) {
			const waitMs = (delivery?.nextAttemptAt ?? 0) - now;
			if (delivery?.attemptsMade === 0) expect(waitMs).toBeGreaterThan(6 * SECOND);
			else if (delivery?.status === "pending") expect(waitMs).toBeLessThanOrEqual(6 * SECOND);
		}
	});

	it("and this service sends nothing to itself, by PUBLIC_URL, OWN_HOSTS, or as the caller reached it", async () => {
		const hosts = [
			"jobs.acme.com",
			"v2.jobs.acme.com:8443",
			"jobs.acme.org",
			"holdfast.acme.workers.dev",
			"other.acme.workers.dev",
		];
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

describe("the limit of a tenant and host", () => {
	const LIMITED = { ...PRODUCTION, webhookDnsUrl: null, webhookLimit: { atOnce: 5, aSecond: 10 } };

	/** `count` deliveries to as many paths of one host. */
	async function aPile(count: number, config = LIMITED) {
		const world = new World({ config });
		const { tenantId } = await aTenant();
		const job = await aJob({ tenantId, status: "failed", origin: OWN_URL });
		const pile: StoredDelivery[] = [];
		for (let at = 0; at < count; at++) {
			const url = `https://hooks.example.com/${at}`;
			pile.push(await aDelivery(job, { url, deliveryId: `dlv_pile_${at}`, createdAt: world.runtime.now() }));
		}
		return { world, tenantId, pile };
	}

	it("postpones what is over it, a turn of its own for each, without using an attempt", async () => {
		const { world, pile } = await aPile(12);
		const [first, ...rest] = pile;
		if (first === undefined) throw new Error("there is no delivery");
		await world.start().dispatch(first, ...rest);
		expect(world.received).toHaveLength(5);
		const after = await Promise.all(pile.map(reloadDelivery));
		const waiting = after.filter((delivery) => delivery?.status === "pending");
		expect(waiting).toMatchObject(waiting.map(() => ({ attemptsMade: 0, attempts: [] })));
		const waits = waiting.map((delivery) => (delivery?.nextAttemptAt ?? 0) - world.runtime.now());
		expect(waits.toSorted((a, b) => a - b)).toEqual([100, 200, 300, 400, 500, 600, 700]);
		await world.advance(SECOND);
		for (const one of pile) await world.start().dispatch(one);
		expect(world.received).toHaveLength(12);
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
		expect(await reloadDelivery(silent)).toMatchObject(POSTPONED);
	});
});
