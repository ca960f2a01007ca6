import { describe, expect, it } from "vitest";
import { receiveWebhook } from "../../../../shared/webhooks/receive.ts";
import { signedHeaders } from "../../../../shared/webhooks/sign.ts";

const [OLD, NEW, OTHER] = ["b2xk", "bmV3", "b3RoZXI"].map((word) => `whsec_${word.padEnd(32, "A")}`) as [
	string,
	string,
	string,
];
const BODY = JSON.stringify({
	id: "evt_1_succeeded",
	object: "event",
	type: "job.succeeded",
	created_at: 1,
	timestamp: "1970-01-01T00:00:01.000Z",
	data: { id: "job_1", object: "job", status: "succeeded", result: { text: "ünï" } },
});
const headers = (secrets: string[], at = Date.now()) => signedHeaders(secrets, "evt_1_succeeded", at, BODY);

describe("receiveWebhook", () => {
	it("gives the event of a webhook that any secret in force has signed", () => {
		for (const [signing, known] of [
			[[NEW], [NEW]],
			[[NEW, OLD], [OLD]],
			[[OLD], [NEW, OLD]],
			[[NEW], ["whsec_?", NEW]],
		] as const) {
			expect(receiveWebhook(known, BODY, headers([...signing]))).toEqual(JSON.parse(BODY));
		}
	});

	it("takes an event of a type that it does not know", () => {
		const unknown = JSON.stringify({ ...JSON.parse(BODY), type: "tenant.audited", data: { entries: 3 } });
		const signed = signedHeaders([NEW], "evt_1_succeeded", Date.now(), unknown);
		expect(receiveWebhook([NEW], unknown, signed)).toMatchObject({ type: "tenant.audited", data: { entries: 3 } });
	});

	it("takes nothing that is another's, changed, or old", () => {
		expect(receiveWebhook([OTHER], BODY, headers([NEW]))).toBeNull();
		expect(receiveWebhook([NEW], `${BODY} `, headers([NEW]))).toBeNull();
		expect(receiveWebhook([NEW], BODY, headers([NEW], Date.now() - 301_000))).toBeNull();
		expect(receiveWebhook([NEW], BODY, {})).toBeNull();
	});
});
