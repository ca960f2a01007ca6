/** `holdfast usage`, `audit` and `keys`. */
import { type Command, Option } from "commander";
import type { ApiKey, AuditEntry, CreateApiKey, UsageDay } from "../../schemas.ts";
import { count, list } from "../arguments.ts";
import type { Column } from "../output.ts";
import { ageOf, first, timeOf } from "../rows.ts";
import type { CliSession } from "../session.ts";

type Usage = Pick<UsageDay, "jobs" | "succeeded" | "prompt_tokens" | "completion_tokens" | "total_tokens"> & {
	date?: string;
	start_at?: string;
	model?: string | null;
};

const DAY: Column<Usage> = { title: "DAY", of: ({ date = "" }) => date };
const HOUR: Column<Usage> = { title: "HOUR", of: ({ start_at = "" }) => timeOf(start_at) };
const MODEL: Column<Usage> = { title: "MODEL", of: ({ model }) => model ?? "", isCuttable: true };
const USAGE: Column<Usage>[] = [
	{ title: "JOBS", isNumber: true, of: ({ jobs }) => `${jobs}` },
	{ title: "SUCCEEDED", isNumber: true, of: ({ succeeded }) => `${succeeded}` },
	{ title: "TOKENS", isNumber: true, of: ({ total_tokens }) => `${total_tokens}` },
];

/** The sums of each day, or of each model, in the order in which they come. */
function summed(rows: UsageDay[], by: "day" | "model"): Usage[] {
	const sums = new Map<string, Usage>();
	for (const row of rows) {
		const group = by === "day" ? { date: row.date } : { model: row.model };
		const name = by === "day" ? row.date : row.model;
		const sum = sums.get(name);
		sums.set(name, {
			...group,
			jobs: row.jobs + (sum?.jobs ?? 0),
			succeeded: row.succeeded + (sum?.succeeded ?? 0),
			prompt_tokens: row.prompt_tokens + (sum?.prompt_tokens ?? 0),
			completion_tokens: row.completion_tokens + (sum?.completion_tokens ?? 0),
			total_tokens: row.total_tokens + (sum?.total_tokens ?? 0),
		});
	}
	return [...sums.values()];
}

export const AUDIT: Column<AuditEntry>[] = [
	{ title: "AT", of: ({ created_at }) => timeOf(created_at), short: ({ created_at }) => ageOf(created_at) },
	{ title: "ACTOR", of: ({ actor }) => actor, isCuttable: true },
	{ title: "ACTION", of: ({ action }) => action },
	{ title: "TARGET", of: ({ target_id }) => target_id },
];

export const KEYS: Column<ApiKey>[] = [
	{ title: "ID", of: ({ id }) => id },
	{ title: "NAME", of: ({ name }) => name, isCuttable: true },
	{ title: "SCOPES", of: ({ scopes }) => scopes.join(","), isCuttable: true },
	{ title: "USED", of: ({ last_used_at }) => timeOf(last_used_at), short: ({ last_used_at }) => ageOf(last_used_at) },
	{ title: "EXPIRES", of: ({ expires_at }) => timeOf(expires_at), short: ({ expires_at }) => ageOf(expires_at) },
	{ title: "REVOKED", of: ({ revoked_at }) => timeOf(revoked_at), short: ({ revoked_at }) => ageOf(revoked_at) },
];

interface ListFlags {
	limit: number;
}

const limited = (command: Command) => command.option("--limit <n>", "how many at most", count, 20);

function addUsage(program: Command, begin: () => CliSession): void {
	limited(program.command("usage").description("jobs and tokens by UTC day and model"))
		.option("--from <day>", "such as 2026-01-02")
		.option("--to <day>")
		.addOption(new Option("--by <group>", "sums of each").choices(["hour", "day", "model"]))
		.action(
			async ({ limit, by, ...range }: ListFlags & { from?: string; to?: string; by?: "hour" | "day" | "model" }) => {
				const session = begin();
				if (by === "hour") {
					const hours = session.connect().usage.buckets({ ...range, by });
					return await session.out.rows(first(limit, hours), [HOUR, ...USAGE]);
				}
				const all = session.connect().usage.list({ ...range, limit: by === undefined ? Math.min(limit, 100) : 100 });
				if (by === undefined) return await session.out.rows(first(limit, all), [DAY, MODEL, ...USAGE]);
				const days: UsageDay[] = [];
				for await (const day of all) days.push(day);
				const sums = summed(days, by).slice(0, limit);
				await session.out.rows(sums, [by === "day" ? DAY : MODEL, ...USAGE]);
			},
		);
}

export function addAccount(program: Command, begin: () => CliSession): void {
	addUsage(program, begin);
	limited(program.command("audit").description("who created, changed, erased or resent what")).action(
		async ({ limit }: ListFlags) => {
			const session = begin();
			await session.out.rows(first(limit, session.connect().audit.list()), AUDIT);
		},
	);
	const keys = program.command("keys").description("create, list and revoke API keys");
	limited(keys.command("list")).action(async ({ limit }: ListFlags) => {
		const session = begin();
		await session.out.rows(first(limit, session.connect().keys.list()), KEYS);
	});
	keyFlags(keys.command("create [name]").description("with scopes that this key has; shown only once")).action(
		async (name: string | undefined, flags: KeyFlags) => {
			const session = begin();
			session.out.object(await session.connect().keys.create(keyOf(name, flags)));
		},
	);
	keys
		.command("revoke <ids...>")
		.description("revokes the keys that they created as well")
		.action(async (ids: string[]) => {
			const session = begin();
			const holdfast = session.connect();
			for (const id of ids) {
				await holdfast.keys.revoke(id);
				session.out.object({ id, revoked: true });
			}
		});
}

export interface KeyFlags {
	scopes?: string[];
	expires?: string;
}

export function keyFlags(command: Command): Command {
	return command
		.option("--scopes <scopes>", "what it may do, between commas (default: all but keys:manage)", list)
		.option("--expires <time>", "such as 2027-06-30T00:00:00Z (default: never)");
}

/** The service validates the scopes' names. */
export function keyOf(name = "unnamed", { scopes, expires }: KeyFlags): CreateApiKey {
	return {
		name,
		...(scopes === undefined ? {} : { scopes: scopes.map((one) => one.trim()) as NonNullable<CreateApiKey["scopes"]> }),
		...(expires === undefined ? {} : { expires_at: expires }),
	};
}
