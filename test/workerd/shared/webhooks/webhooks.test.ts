import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { sha256Hex } from "../../../../shared/crypto/digest.ts";
import { signedResultUrl, verifyResultLink } from "../../../../shared/crypto/result-link.ts";
import { seal, signingKeyId, unseal } from "../../../../shared/crypto/seal.ts";
import { newWebhookSecret } from "../../../../shared/webhooks/secrets.ts";
import { signedHeaders } from "../../../../shared/webhooks/sign.ts";
import { fakeRuntime, START_AT } from "../../../support/fake-runtime.ts";

const NOW = START_AT;
const KEY = "k".repeat(32);
const NEXT_KEY = "n".repeat(32);
const runtime = fakeRuntime();

describe("a sealed secret", () => {
	it("opens for its owner under the key that sealed it, and shows nothing", async () => {
		const secret = newWebhookSecret(runtime);
		const sealed = await seal(runtime, KEY, "ten_1", secret);
		expect(sealed).not.toContain(secret.slice(6, 20));
		expect(sealed).not.toContain(KEY);
		expect(sealed).toMatch(/^v1\.[0-9a-f]{8}\.[0-9a-f]{24}\.[0-9a-f]+$/);
		expect(await unseal(runtime, [KEY], "ten_1", sealed)).toBe(secret);
	});

	it("opens for no other owner", async () => {
		const sealed = await seal(runtime, KEY, "ten_1", "whsec_secret");
		await expect(unseal(runtime, [KEY], "ten_2", sealed)).rejects.toThrow();
	});

	it("opens with the previous key during a rotation, and not after it", async () => {
		const sealed = await seal(runtime, KEY, "ten_1", "whsec_secret");
		expect(await unseal(runtime, [NEXT_KEY, KEY], "ten_1", sealed)).toBe("whsec_secret");
		await expect(unseal(runtime, [NEXT_KEY], "ten_1", sealed)).rejects.toThrow("SIGNING_KEY_PREVIOUS");
	});

	it("is never sealed the same way twice", async () => {
		const once = await seal(runtime, KEY, "ten_1", "whsec_secret");
		expect(await seal(runtime, KEY, "ten_1", "whsec_secret")).not.toBe(once);
	});

	it.each([0, 1, 2, 3])("does not open when part %i of it was changed", async (part) => {
		const sealed = await seal(runtime, KEY, "ten_1", "whsec_secret");
		const changed = sealed.split(".").map((text, at) => (at === part ? flipped(text) : text));
		await expect(unseal(runtime, [KEY], "ten_1", changed.join("."))).rejects.toThrow();
	});

	it.each(["", "v1", "v1.x.y.z", "whsec_plain"])("is distinguished from %j", async (sealed) => {
		await expect(unseal(runtime, [KEY], "ten_1", sealed)).rejects.toThrow();
	});

	it("names the key that sealed it without telling it", async () => {
		const [id, other] = [await signingKeyId(runtime, KEY), await signingKeyId(runtime, NEXT_KEY)];
		expect(id).toMatch(/^[0-9a-f]{8}$/);
		expect(id).not.toBe(other);
	});
});

describe("newWebhookSecret", () => {
	it("is whsec_ and the base64 of 32 random bytes", () => {
		const [one, other] = [newWebhookSecret(runtime), newWebhookSecret(runtime)];
		expect(one).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
		expect(one).not.toBe(other);
		expect(atob(one.slice(6))).toHaveLength(32);
	});
});

describe("signedHeaders", () => {
	const secrets = [newWebhookSecret(runtime), newWebhookSecret(runtime)];
	const body = '{"id":"evt_1","object":"event","text":"ключ"}';
	// The verifier refuses what is more than five minutes off its own clock.
	const at = Date.now();

	it.each(secrets)("are verified by a receiver with either secret in force", (secret) => {
		const headers = signedHeaders(secrets, "evt_1", at, body);
		expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
	});

	it("name the event and the time of this attempt", () => {
		const headers = signedHeaders(secrets, "evt_1", NOW + 999, body);
		expect(headers["webhook-id"]).toBe("evt_1");
		expect(headers["webhook-timestamp"]).toBe(String(Math.floor((NOW + 999) / 1000)));
		expect(headers["webhook-signature"]).toMatch(/^v1,\S+ v1,\S+$/);
	});

	it("are refused by another's secret, for another body, for another id and for another time", () => {
		const headers = signedHeaders(secrets, "evt_1", at, body);
		const webhook = new Webhook(secrets[0] ?? "");
		const refused = [
			() => new Webhook(newWebhookSecret(runtime)).verify(body, headers),
			() => webhook.verify(`${body} `, headers),
			() => webhook.verify(body, { ...headers, "webhook-id": "evt_2" }),
			() => webhook.verify(body, { ...headers, "webhook-timestamp": String(Math.floor(at / 1000) - 60) }),
			() => webhook.verify(body, signedHeaders(secrets, "evt_1", at - 6 * 60_000, body)),
		];
		for (const verify of refused) expect(verify).toThrow();
	});
});

describe("a result link", () => {
	const job = { tenantId: "ten_01kdyak3se0000000000000001", jobId: "job_01kdyak3se0000000000000002" };

	async function linkOf(expiresAt = NOW + 60_000, signingKey = KEY) {
		const url = new URL(await signedResultUrl(runtime, signingKey, "https://jobs.test", job, expiresAt));
		const { expires = "", signature = "" } = Object.fromEntries(url.searchParams);
		return { url, link: { jobId: job.jobId, expires, signature } };
	}

	it("leads to the job's result and gives access to it", async () => {
		const { url, link } = await linkOf();
		expect(url.origin + url.pathname).toBe(`https://jobs.test/v1/jobs/${job.jobId}/result`);
		expect(await verifyResultLink(runtime, [KEY], link)).toEqual(job);
	});

	it("ends when it says", async () => {
		const { link } = await linkOf(NOW + 60_000);
		const expiresAt = Number(link.expires) * 1000;
		expect(expiresAt).toBeGreaterThan(NOW + 58_000);
		expect(expiresAt).toBeLessThanOrEqual(NOW + 60_000);
		expect(await verifyResultLink(fakeRuntime({ startAt: expiresAt - 1 }), [KEY], link)).toEqual(job);
		expect(await verifyResultLink(fakeRuntime({ startAt: expiresAt }), [KEY], link)).toBeNull();
	});

	it("is accepted under the previous key, and not under another", async () => {
		const { link } = await linkOf();
		expect(await verifyResultLink(runtime, [NEXT_KEY, KEY], link)).toEqual(job);
		expect(await verifyResultLink(runtime, [NEXT_KEY], link)).toBeNull();
	});

	it("gives access to no other job, tenant or time", async () => {
		const { link } = await linkOf();
		const [id, tenantId, mac] = link.signature.split(".");
		const forged = [
			{ ...link, jobId: "job_01kdyak3se0000000000000003" },
			{ ...link, expires: String(Number(link.expires) + 1) },
			{ ...link, signature: `${id}.ten_01kdyak3se0000000000000009.${mac}` },
			{ ...link, signature: `${await signingKeyId(runtime, NEXT_KEY)}.${tenantId}.${mac}` },
		];
		for (const other of forged) expect(await verifyResultLink(runtime, [NEXT_KEY, KEY], other)).toBeNull();
	});

	it("is refused in any other spelling", async () => {
		const { link } = await linkOf();
		const [id, tenantId, mac = ""] = link.signature.split(".");
		const signatures = [
			"",
			".",
			"..",
			`${id}.${tenantId}`,
			`${id}.${tenantId}.`,
			`${id}.${tenantId}.zz`,
			`${id}.${tenantId}.${mac.slice(2)}`,
			`${id}.${tenantId}.${mac}0`,
			`${id}.${tenantId}.${mac.toUpperCase()}`,
			`${link.signature}.more`,
			` ${link.signature}`,
		];
		for (const signature of signatures) {
			expect(await verifyResultLink(runtime, [KEY], { ...link, signature }), signature).toBeNull();
		}
		for (const expires of [
			"",
			"x",
			"-1",
			"1e12",
			"0x7fffffff",
			`${link.expires}.0`,
			`0${link.expires}`,
			"9".repeat(400),
		]) {
			expect(await verifyResultLink(runtime, [KEY], { ...link, expires }), expires).toBeNull();
		}
	});
});

describe("sha256Hex", () => {
	it("digests text and bytes as one whole", async () => {
		const expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
		expect(await sha256Hex(runtime, "abc")).toBe(expected);
		expect(await sha256Hex(runtime, "a", new Uint8Array([98]), "c")).toBe(expected);
	});
});

/** `text` with its last character changed. */
function flipped(text: string): string {
	return text.slice(0, -1) + (text.endsWith("0") ? "1" : "0");
}
