/** `npm run deploy` from a fresh clone, by the real script and the real wrangler, against a stand-in for Cloudflare's API. */
import { appendFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { checkAccount } from "../../../scripts/lib/verify/check-account.ts";
import { ACCOUNT_ID, API_TOKEN, LOGIN_TOKEN } from "./cloudflare-stand-in.ts";
import { DeployedProject } from "./deployed-project.ts";

/** Each runs wrangler many times, which on a busy machine is slow. */
const PATIENCE_MS = 600_000;

const MIGRATIONS = readdirSync(join(import.meta.dirname, "../../../migrations")).toSorted();

const projects: DeployedProject[] = [];
afterAll(() => Promise.all(projects.map((project) => project.remove())));

async function freshClone(): Promise<DeployedProject> {
	const project = await DeployedProject.create();
	projects.push(project);
	return project;
}

/** All that a deployment creates, each thing after what it needs. The connections are made at the same time. */
function everything(name: string) {
	const resources = [
		`database ${name}`,
		...MIGRATIONS.map((migration) => `migration ${migration} of ${name}`),
		`bucket ${name}-results`,
		...["jobs", "deliveries", "dead-letters"].map((queue) => `queue ${name}-${queue}`),
		`worker ${name}`,
		`secret ADMIN_TOKEN of ${name}`,
		`secret SIGNING_KEY of ${name}`,
	];
	const connections = [
		`address of ${name}`,
		`cron of ${name}`,
		...["jobs", "deliveries", "dead-letters"].map((queue) => `consumer ${name} of ${name}-${queue}`),
	];
	return { resources, connections };
}

function expectWhole(changes: string[], name: string): void {
	const { resources, connections } = everything(name);
	expect(changes.slice(0, resources.length)).toEqual(resources);
	expect(changes.slice(resources.length).toSorted()).toEqual(connections.toSorted());
}

function secretsOf({ standIn }: DeployedProject, name: string): { ADMIN_TOKEN: string; SIGNING_KEY: string } {
	const secrets = standIn.state.workers.get(name)?.secrets;
	return { ADMIN_TOKEN: secrets?.get("ADMIN_TOKEN") ?? "", SIGNING_KEY: secrets?.get("SIGNING_KEY") ?? "" };
}

/** How often `text` stands in `output`. */
const times = (output: string, text: string): number => output.split(text).length - 1;

/** Neither what runs printed nor what they left behind gives a secret away; an ADMIN_TOKEN made here is shown once. */
function expectKept(project: DeployedProject, name: string, shown: number): void {
	const { ADMIN_TOKEN, SIGNING_KEY } = secretsOf(project, name);
	expect(times(project.output, ADMIN_TOKEN)).toBe(shown);
	for (const secret of [SIGNING_KEY, API_TOKEN, LOGIN_TOKEN]) expect(times(project.output, secret)).toBe(0);
	for (const secret of [ADMIN_TOKEN, SIGNING_KEY, API_TOKEN]) expect(project.filesWith(secret)).toEqual([]);
	expect(project.leftovers()).toEqual([]);
}

/** The dashboard's page with its scripts and styles, and what the API reference loads: nothing that is not for browsers. */
function expectUploaded(files: string[]): void {
	const [script, style] = [/^\/dashboard\/assets\/index-[\w-]+\.js$/, /^\/dashboard\/assets\/index-[\w-]+\.css$/];
	const all = ["/dashboard/index.html", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css"];
	expect(files).toEqual(
		expect.arrayContaining([...all, ...[script, style].map((name) => expect.stringMatching(name))]),
	);
	const others = files.filter(
		(file) => !all.includes(file) && !/^\/dashboard\/assets\/[^/]+\.(js|css|svg)$/.test(file),
	);
	expect(others).toEqual([]);
}

/** `npm run verify -- --account` finds what was deployed, and says what is missing of it. */
async function expectVerifiable({ standIn: { state, apiUrl } }: DeployedProject): Promise<void> {
	vi.stubEnv("CLOUDFLARE_API_BASE_URL", apiUrl).stubEnv("CLOUDFLARE_API_TOKEN", API_TOKEN);
	const options = { account: true, isLocal: false, name: null, url: "https://holdfast.acme.workers.dev" };
	const check = () => checkAccount(options, new AbortController().signal);
	const seen =
		"global_fetch_strictly_public, queue_consumer_no_wait_for_wait_until, enable_request_signal, cpu_ms 300000, query strings redacted; 3 queues consumed, no dead letters";
	expect(await check()).toBe(seen);
	state.backlog = 2;
	await expect(check()).rejects.toThrow("holdfast-dead-letters holds 2 messages");
	state.backlog = 0;
	const settings = state.workers.get("holdfast")?.settings ?? {};
	const whole = { ...settings };
	settings.observability = { redact_query_string: false };
	await expect(check()).rejects.toThrow("logs query strings");
	settings.compatibility_flags = ["global_fetch_strictly_public"];
	await expect(check()).rejects.toThrow(
		"lacks the flag queue_consumer_no_wait_for_wait_until and enable_request_signal",
	);
	Object.assign(settings, whole);
	vi.unstubAllEnvs();
}

describe.concurrent("npm run deploy", () => {
	it(
		"makes everything on an empty account, nothing again, and another set under another name",
		async () => {
			const project = await freshClone();
			const { state } = project.standIn;
			let modeOfSecrets = 0;
			state.onChange = (change) => {
				if (change !== "worker holdfast") return;
				modeOfSecrets = statSync(join(project.folder, ".wrangler/deploy-holdfast/secrets.json")).mode;
			};

			project.logIn();
			const first = await project.deploy([], { CLOUDFLARE_API_TOKEN: "" });
			expect(first, first.output).toMatchObject({ code: 0 });
			expectWhole(state.changes.splice(0), "holdfast");
			expect(modeOfSecrets & 0o777).toBe(0o600);
			expectUploaded(state.files);
			expect(first.output).toContain("Ready on https://holdfast.acme.workers.dev");
			expect(first.output).toContain("npm run deploy -- --simulated");
			await expectVerifiable(project);
			const made = secretsOf(project, "holdfast");
			expect(Buffer.from(made.ADMIN_TOKEN, "base64url")).toHaveLength(32);
			expect(Buffer.from(made.SIGNING_KEY, "base64")).toHaveLength(32);

			const second = await project.deploy([], { ADMIN_TOKEN: "another", SIGNING_KEY: "another" });
			expect(second, second.output).toMatchObject({ code: 0 });
			expect(state.changes).toEqual([]);
			expect(secretsOf(project, "holdfast")).toEqual(made);
			expectKept(project, "holdfast", 1);

			const ADMIN_TOKEN = "an-admin-token-of-the-operators-own";
			const args = ["--name", "holdfast-staging", "--location", "weur"];
			const other = await project.deploy(args, { ADMIN_TOKEN, CI: "true", SIGNING_KEY: "s".repeat(44) });
			expect(other, other.output).toMatchObject({ code: 0 });
			expectWhole(state.changes.splice(0), "holdfast-staging");
			expect(secretsOf(project, "holdfast-staging")).toEqual({ ADMIN_TOKEN, SIGNING_KEY: "s".repeat(44) });
			expect([...state.databases.values()].map(({ location }) => location)).toEqual([null, "weur"]);
			expectKept(project, "holdfast-staging", 0);
			expectDisjoint(project, "holdfast", "holdfast-staging");
			expect(project.standIn.unknown).toEqual([]);
		},
		PATIENCE_MS,
	);

	it(
		"says what is missing, and goes on where a failure or an interruption stopped it",
		async () => {
			const project = await freshClone();
			const { state } = project.standIn;
			const failing = async (environment?: Record<string, string>) => {
				const run = await project.deploy([], environment);
				expect(run.code, run.output).not.toBe(0);
				return run.output;
			};

			expect(await failing({ CLOUDFLARE_API_TOKEN: "" })).toContain(
				"Not logged in to Cloudflare. Run npx wrangler login",
			);

			Object.assign(state, { isR2Enabled: false, hasSubdomain: false });
			const missing = await failing();
			expect(missing).toContain(`https://dash.cloudflare.com/${ACCOUNT_ID}/r2/overview`);
			expect(missing).toContain("This account has no workers.dev subdomain.");
			expect(state.changes).toEqual([]);
			Object.assign(state, { isR2Enabled: true, hasSubdomain: true, plan: "free" });

			const last = join(project.folder, "migrations", MIGRATIONS.at(-1) ?? "");
			const whole = readFileSync(last);
			appendFileSync(last, "\nCREATE TABLE half (id INTEGER);\nSELECT id FROM nowhere;\n");
			const broken = await failing();
			expect(broken).toContain("no such table: nowhere");
			expect(broken).toContain(`Migration ${MIGRATIONS.at(-1)} failed and is rolled back`);
			const { resources } = everything("holdfast");
			expect(state.changes).toEqual(resources.slice(0, MIGRATIONS.length));
			expect(state.tablesOf("holdfast")).not.toContain("half");
			writeFileSync(last, whole);

			expect(await failing()).toContain(`Workers Free plan`);
			expect(state.workers.size).toBe(0);
			state.plan = "paid";

			project.interruptAt(/^consumer .*-deliveries$/);
			expect(await failing()).toContain("Interrupted.");
			expectKept(project, "holdfast", 1);
			const made = secretsOf(project, "holdfast");
			project.reconnect();

			// As a run leaves it that was killed outright.
			const leftover = join(project.folder, ".wrangler/deploy-holdfast");
			mkdirSync(leftover);
			writeFileSync(join(leftover, "secrets.json"), JSON.stringify(made));
			const repeated = await project.deploy();
			expect(repeated, repeated.output).toMatchObject({ code: 0 });
			expect(secretsOf(project, "holdfast")).toEqual(made);
			expectWhole(state.changes, "holdfast");
			expectKept(project, "holdfast", 1);
			expect(project.standIn.unknown).toEqual([]);
		},
		PATIENCE_MS,
	);
});

/** No resource and no counter of one installation is bound to the other's Worker. */
function expectDisjoint({ standIn: { state } }: DeployedProject, one: string, other: string): void {
	const names = (worker: string) =>
		(state.workers.get(worker)?.bindings ?? []).flatMap((binding) =>
			["id", "database_id", "bucket_name", "queue_name", "namespace_id"].map((key) => binding[key]).filter(Boolean),
		);
	expect(names(one)).toHaveLength(8);
	expect(names(other)).toHaveLength(8);
	expect(new Set([...names(one), ...names(other)]).size).toBe(16);
	expect(state.workers.get(one)?.crons).toEqual(state.workers.get(other)?.crons);
}
