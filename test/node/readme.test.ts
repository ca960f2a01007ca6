import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { commandsOf } from "../../client/cli/main.ts";
import { SCOPES } from "../../shared/core/tenants/api-key.ts";
import { TENANT_RATE, UNAUTHENTICATED_RATE } from "../../shared/core/tenants/rate-limits.ts";
import { FAIR_SHARE, TenantLimits } from "../../shared/core/tenants/tenant.ts";
import { BACKOFF_BASE_MS, BACKOFF_CAP_MS, BLOCKED_WAIT_MS } from "../../shared/core/upstreams/backoff.ts";
import { FAILURES_TO_TRIP, PERMITS_EARNED, SUCCESSES_TO_RECOVER } from "../../shared/core/upstreams/breaker.ts";
import {
	BY_STATUS,
	type Classification,
	classificationOfStatus,
	GATEWAY_WORDS,
	GENERAL_WORDS,
	SPECIFIC_WORDS,
} from "../../shared/core/upstreams/failure-table.ts";
import { FAILURE_CODES } from "../../shared/core/upstreams/failures.ts";
import { ModelRouteSchema, PROVIDERS } from "../../shared/core/upstreams/model-routes.ts";
import { Simulation } from "../../shared/core/upstreams/simulation.ts";
import { EVENT_FILTERS } from "../../shared/core/webhooks/events.ts";
import { FAILURES_TO_OPEN, openMsByFailures, RECEIVER_SLOW_MS } from "../../shared/core/webhooks/receiver-breaker.ts";
import { INLINE_RESULT_BYTES_MAX } from "../../shared/storage/fresh-results.ts";
import { PRICES } from "../bench/prices.ts";
import { describeApi } from "../support/api-description.ts";

const { operations, refer } = await describeApi();
const submission = refer("#/components/schemas/SubmitJob").properties as Record<string, { maximum?: number }>;
const root = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([whole, part]) => part ?? whole);

const docs = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));
const paths = ["README.md", ...docs.map((name) => `docs/${name}`)];
const pages = new Map(paths.map((path) => [path, read(path)]));
const page = (name: string) => pages.get(`docs/${name}.md`) ?? "";
const everything = [...pages.values()].join("\n");

const source = ["workers", "shared", "client", "scripts"]
	.flatMap((folder) =>
		readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) => [folder, name]),
	)
	.map((path) => path.join("/"))
	.filter((path) => path.endsWith(".ts"))
	.map(read)
	.join("\n");
const toml = read("wrangler.toml");
const [, varsText = ""] = /\[vars\]\n([^[]*)/.exec(toml.replaceAll(/'.*'/g, "''")) ?? [];
const vars = new Map([...varsText.matchAll(/^(\w+) = "(.*)"$/gm)].map(([, name = "", value = ""]) => [name, value]));
const setting = (name: string) => vars.get(name) ?? "";

/** Whether a command begins with the words: what follows a group is one of its own. */
function isCommand([word = "", ...rest]: string[], among = commandsOf(() => expect.fail())): boolean {
	const command = among.commands.find((one) => one.name() === word);
	return command !== undefined && (rest.length === 0 || command.commands.length === 0 || isCommand(rest, command));
}

/** Every link of a page that leads to a file of the repository, with the path from its root. */
function linksOf(from: string): { path: string; anchor: string }[] {
	return [...(pages.get(from) ?? "").matchAll(/\]\((?!https?:)([^)#]*)#?([^)]*)\)/g)].map(
		([, path = "", anchor = ""]) => ({ path: path === "" ? from : join(dirname(from), path), anchor }),
	);
}

/** As GitHub makes it of a heading. */
const anchorOf = (heading: string) =>
	heading
		.toLowerCase()
		.replaceAll(/[^\w\- ]/g, "")
		.replaceAll(" ", "-");

describe("README and docs", () => {
	const links = paths.flatMap(linksOf);

	it("link to nothing that is not there", () => {
		const isThere = ({ path, anchor }: { path: string; anchor: string }) =>
			existsSync(join(root, path)) &&
			(anchor === "" ||
				all(pages.get(path) ?? "", /^#+ (.+)$/gm)
					.map(anchorOf)
					.includes(anchor));
		expect(links.length).toBeGreaterThan(50);
		expect(links.filter((link) => !isThere(link))).toEqual([]);
	});

	it("are all reached from the README", () => {
		const reached = new Set(["README.md"]);
		// A set that grows is iterated to its end.
		for (const from of reached) for (const { path } of linksOf(from)) if (pages.has(path)) reached.add(path);
		expect([...reached].sort()).toEqual([...paths].sort());
	});

	it("are short", () => {
		expect([...pages].filter(([, text]) => text.split("\n").length > 201).map(([path]) => path)).toEqual([]);
	});

	it("name, with each promise, a test that proves it", () => {
		const [, promises = ""] = pages.get("README.md")?.split("## What is promised") ?? [];
		const items = promises.split("And what is not:")[0]?.match(/^- \*\*[\s\S]*?(?=^- |\n\n)/gm) ?? [];
		expect(items.length).toBeGreaterThan(5);
		expect(items.filter((item) => !item.includes("](test/"))).toEqual([]);
	});

	it("name routes that exist, and api.md all that a tenant may call", () => {
		const named = all(everything, /`(?:GET|POST|PATCH|DELETE) \/[^`?\s]+/g).map((text) => text.slice(1));
		const called = all(everything, /127\.0\.0\.1:8787(\/v1\/[\w/$]+)/g).map((path) => path.replace(/\$[A-Z]+/, "{id}"));
		const names = operations.map(({ name }) => name);
		expect(named.filter((name) => !names.includes(name))).toEqual([]);
		expect(called.filter((path) => !operations.some((one) => one.path === path))).toEqual([]);
		const tenants = operations.filter(({ access }) => access !== "admin").map(({ name }) => name);
		expect(tenants.filter((name) => !page("api").includes(`\`${name}`))).toEqual([]);
	});

	it("name scripts, commands of the command line, log events and variables that exist", () => {
		const { scripts } = JSON.parse(read("package.json"));
		expect(all(everything, /npm run (?:-s )?([\w:]+)/g).filter((name) => scripts[name] === undefined)).toEqual([]);
		const commands = all(everything, /run (?:-s )?holdfast -- ([a-z-]+(?: [a-z-]+)*)/g);
		expect(commands.filter((line) => !isCommand(line.split(" ")))).toEqual([]);
		const events = all(everything, /`([a-z_]+\.(?:[a-z]+_)?(?:failed|settled|attempted|lettered|finished))`/g);
		expect(events.filter((name) => !source.includes(`"${name}"`))).toEqual([]);
		const examples = ["HOLDFAST_WEBHOOK_SECRET", "OPENAI_KEY", "AZURE_KEY"];
		const known = `${source}${toml}${examples}`;
		expect(all(everything, /\b[A-Z]+(?:_[A-Z]+)+\b/g).filter((name) => !known.includes(name))).toEqual([]);
	});
});

describe("tables list exactly what the code has", () => {
	/** The code words in the first cells of the table below a heading. */
	const firstCells = (text: string, header: string) =>
		all(text.split(`| ${header} |`)[1]?.split("\n\n")[0] ?? "", /^\| ([^|]*) \|/gm).flatMap((cell) =>
			all(cell, /`([^`]+)`/g),
		);
	it.each([
		["settings", "variable", ["MODEL_ROUTES", "MODEL_PRICES", ...vars.keys()]],
		["settings", "secret", ["ADMIN_TOKEN", "ADMIN_TOKEN_PREVIOUS", "SIGNING_KEY", "SIGNING_KEY_PREVIOUS"]],
		["settings", "`provider`", [...PROVIDERS]],
		["settings", "field of a route", Object.keys(ModelRouteSchema.shape)],
		["settings", "field of `simulate`", Object.keys(Simulation.shape)],
		["limits", "limit", Object.keys(TenantLimits.shape)],
		["limits", "scope", [...SCOPES]],
		["webhooks", "event", [...EVENT_FILTERS]],
		["api", "field", Object.keys(submission)],
	])("%s.md: %s", (name, header, expected) => {
		expect(firstCells(page(name), header).sort()).toEqual([...expected].sort());
	});

	it("failures.md: the codes of failures, each with its class and statuses", () => {
		const table = page("failures").split("| `code` |")[1]?.split("\n\n")[0] ?? "";
		const rows = [...table.matchAll(/^\| (`.+?) \| (.+?) \|(.*?)\|/gm)].map(
			([, codes = "", classes, statuses = ""]) => ({
				codes: all(codes, /`(\w+)`/g),
				classes: classes?.split(", ").toSorted(),
				statuses: all(statuses, /\d+/g).filter((status) => status !== "200"),
			}),
		);
		expect(rows.flatMap(({ codes }) => codes)).toEqual([...FAILURE_CODES]);
		const known: Classification[] = Object.values({
			...BY_STATUS,
			...SPECIFIC_WORDS,
			...GATEWAY_WORDS,
			...GENERAL_WORDS,
		});
		for (const { codes, classes, statuses } of rows) {
			const of = ({ code }: Classification) => codes.includes(code);
			const expected = Object.keys(BY_STATUS).filter((status) => of(classificationOfStatus(Number(status))));
			expect({ codes, statuses }).toEqual({ codes, statuses: expected });
			const inTable = new Set(known.filter(of).map((one) => one.class));
			expect(classes).toEqual(expect.arrayContaining([...inTable]));
		}
	});

	it("and operations.md all status reasons, cost.md all sources of prices, api.md all codes, each beside its status", () => {
		const reasons = all(read("shared/core/jobs/job-states.ts"), /^\t\| "(\w+)"/gm);
		expect(reasons.filter((reason) => !page("operations").includes(`\`${reason}\``))).toEqual([]);
		expect(Object.values(PRICES).filter(({ source }) => !page("cost").includes(`(${source})`))).toEqual([]);
		const codes = [...read("shared/core/errors.ts").matchAll(/^\t(\w+): \{ status: (\d+)/gm)];
		const isListed = ([, code, status]: string[]) => new RegExp(`^\\|.*${status}.*\`${code}\``, "m").test(page("api"));
		expect(codes.filter((code) => !isListed(code))).toEqual([]);
	});
});

describe("numbers are those of the code", () => {
	const n = (value: number) => value.toLocaleString("en");
	const scheduleMs = setting("DELIVERY_SCHEDULE_SECONDS")
		.split(",")
		.map((seconds) => Number(seconds) * 1000);
	const pauses = [...new Set(openMsByFailures(scheduleMs))].slice(1);
	const units = { h: 3_600_000, min: 60_000, s: 1_000 };
	const time = (ms: number) => {
		const [unit, size] = Object.entries(units).find(([, size]) => ms >= size) ?? ["", 1];
		return `${ms / size} ${unit}`.trim();
	};
	const max = (field: string) => submission[field]?.maximum ?? Number.NaN;
	const maxDays = (field: string) => `at most ${max(field) / 86_400} days`;

	it.each([
		[
			"settings",
			[...vars]
				.map(([name, value]) => `| \`${name}\` | ${value && `\`${value}\``} |`)
				.join("\n")
				.replaceAll("|  |", "| empty |"),
		],
		[
			"limits",
			`about ${n(TENANT_RATE.quota)} units in ${TENANT_RATE.windowSeconds} seconds
			a valid key may make ${UNAUTHENTICATED_RATE.quota} requests a minute
			null: ${FAIR_SHARE}, so
			| ${TenantLimits.parse({}).webhook_endpoints} |`,
		],
		[
			"webhooks",
			`| wait before it | ${scheduleMs.map(time).join(" | ")} |
			up to ${n(INLINE_RESULT_BYTES_MAX)} bytes
			more than ${RECEIVER_SLOW_MS / 1000} seconds to reply
			fails ${FAILURES_TO_OPEN} times in a row
			for ${pauses.map(time).join(", then ")}.`,
		],
		[
			"operations",
			`leases a job for ${setting("LEASE_SECONDS")} seconds and renews the lease every ${setting("HEARTBEAT_SECONDS")}
			at least ${FAILURES_TO_TRIP} in a minute
			permits ${PERMITS_EARNED} more
			after ${SUCCESSES_TO_RECOVER} successes`,
		],
		[
			"failures",
			`min(${time(BACKOFF_CAP_MS)}, ${time(BACKOFF_BASE_MS)} × 2ⁿ⁻¹)
			| ${time(BLOCKED_WAIT_MS)} plus the same |`,
		],
		[
			"api",
			`0 to ${max("priority")};
			${maxDays("delay_seconds")} ahead
			${maxDays("deadline_seconds")};
			of one call, at most ${max("timeout_seconds")}
			at most ${max("max_attempts")} |
			${maxDays("retain_seconds")} |`,
		],
	])("%s.md", (name, claims) => {
		const text = page(name).replaceAll(/\s+/g, " ");
		expect(claims.split(/\n\s*/).filter((claim) => !text.includes(claim))).toEqual([]);
	});
});
