import { expect, it } from "vitest";
import { missingSecrets } from "../../../../scripts/lib/deploy/deployment.ts";

const REQUIRED = ["ADMIN_TOKEN", "SIGNING_KEY"];

it("makes what the Worker lacks and the environment does not give", () => {
	const { secrets, isMade } = missingSecrets(REQUIRED, [], { SIGNING_KEY: "given", ADMIN_TOKEN: "" });
	expect(secrets).toEqual({ ADMIN_TOKEN: expect.stringMatching(/^[\w-]{43}$/), SIGNING_KEY: "given" });
	expect(REQUIRED.map(isMade)).toEqual([true, false]);
});

it("leaves what the Worker has, whatever the environment says", () => {
	const { secrets, isMade } = missingSecrets(REQUIRED, REQUIRED, { ADMIN_TOKEN: "another", CI: "true" });
	expect([secrets, isMade("ADMIN_TOKEN")]).toEqual([{}, false]);
});

it("makes no secret for the log of CI", () => {
	expect(() => missingSecrets(REQUIRED, [], { CI: "true", ADMIN_TOKEN: "given" })).toThrow(
		/^Set SIGNING_KEY in the env/,
	);
});

it("names a secret that it cannot make", () => {
	const required = [...REQUIRED, "OPENAI_KEY"];
	expect(() => missingSecrets(required, REQUIRED, {})).toThrow(/^The Worker lacks OPENAI_KEY/);
	expect(missingSecrets(required, REQUIRED, { OPENAI_KEY: "sk" }).secrets).toEqual({ OPENAI_KEY: "sk" });
});
