import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { openAccount } from "../../../scripts/lib/deploy/account.ts";
import { ACCOUNT_ID, API_TOKEN, type StandIn, startStandIn } from "./cloudflare-stand-in.ts";

let standIn: StandIn;
beforeAll(async () => {
	standIn = await startStandIn();
	vi.stubEnv("CLOUDFLARE_ACCOUNT_ID", "");
	vi.stubEnv("CLOUDFLARE_API_BASE_URL", standIn.apiUrl);
});
afterEach(() => {
	standIn.state.accounts.splice(1);
	vi.stubEnv("CLOUDFLARE_ACCOUNT_ID", "");
	vi.stubEnv("CLOUDFLARE_API_BASE_URL", standIn.apiUrl);
});
afterAll(async () => {
	vi.unstubAllEnvs();
	await standIn.stop();
});

const login = { type: "api_token", token: API_TOKEN } as const;

it("takes the only account of the login", async () => {
	expect((await openAccount(login, undefined)).id).toBe(ACCOUNT_ID);
});

it("lists several accounts, and takes the one that wrangler.toml or else the environment names", async () => {
	standIn.state.accounts.push({ id: "fedcba9876543210", name: "Other" });
	await expect(openAccount(login, undefined)).rejects.toThrow(
		`Set CLOUDFLARE_ACCOUNT_ID to one of them:\n  ${ACCOUNT_ID}  Acme\n  fedcba9876543210  Other`,
	);
	vi.stubEnv("CLOUDFLARE_ACCOUNT_ID", "from-the-environment");
	expect((await openAccount(login, undefined)).id).toBe("from-the-environment");
	expect((await openAccount(login, "from-wrangler-toml")).id).toBe("from-wrangler-toml");
});

it("says that Cloudflare refuses the login, or does not respond", async () => {
	const other = { type: "oauth", token: "expired" } as const;
	await expect(openAccount(other, undefined)).rejects.toThrow(/^Cloudflare refuses this login: .*\[code: 9109\]/);
	vi.stubEnv("CLOUDFLARE_API_BASE_URL", "http://127.0.0.1:65535");
	await expect(openAccount(login, undefined)).rejects.toThrow(/^Cloudflare's API did not respond: .*ECONNREFUSED/);
});
