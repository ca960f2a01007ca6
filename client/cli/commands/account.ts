/** `holdfast usage`, `audit` and `keys`. */
import type { Command } from "commander";
import type { ApiKey, AuditEntry, UsageDay } from "../../schemas.ts";
import { count } from "../arguments.ts";
import type { Column } from "../output.ts";
import { first } from "../rows.ts";
import type { CliSession } from "../session.ts";

const USAGE: Column<UsageDay>[] = [
	{ title: "DAY", of: ({ date }) => date },
	{ title: "MODEL", of: ({ model }) => model },
	{ title: "JOBS", of: ({ jobs }) => `${jobs}` },
	{ title: "SUCCEEDED", of: ({ succeeded }) => `${succeeded}` },
	{ title: "TOKENS", of: ({ total_tokens }) => `${total_tokens}` },
];

const AUDIT: Column<AuditEntry>[] = [
	{ title: "AT", of: ({ created_at }) => created_at },
	{ title: "ACTOR", of: ({ actor }) => actor },
	{ title: "ACTION", of: ({ action }) => action },
	{ title: "TARGET", of: ({ target_id }) => target_id },
];

const KEYS: Column<ApiKey>[] = [
	{ title: "ID", of: ({ id }) => id },
	{ title: "NAME", of: ({ name }) => name },
	{ title: "SCOPES", of: ({ scopes }) => scopes.join(",") },
	{ title: "LAST USED", of: ({ last_used_at }) => last_used_at ?? "" },
	{ title: "EXPIRES", of: ({ expires_at }) => expires_at ?? "" },
	{ title: "REVOKED", of: ({ revoked_at }) => revoked_at ?? "" },
];

interface ListFlags {
	limit: number;
}

export function addAccount(program: Command, begin: () => CliSession): void {
	const limited = (command: Command) => command.option("--limit <n>", "how many at most", count, 20);
	limited(program.command("usage").description("jobs and tokens by UTC day and model"))
		.option("--from <day>", "such as 2026-01-02")
		.option("--to <day>")
		.action(async ({ limit, ...days }: ListFlags & { from?: string; to?: string }) => {
			const session = begin();
			await session.out.rows(first(limit, session.connect().usage.list(days)), USAGE);
		});
	limited(program.command("audit").description("who created, changed, erased or resent what")).action(
		async ({ limit }: ListFlags) => {
			const session = begin();
			await session.out.rows(first(limit, session.connect().audit.list()), AUDIT);
		},
	);
	const keys = program.command("keys").description("list and revoke API keys");
	limited(keys.command("list")).action(async ({ limit }: ListFlags) => {
		const session = begin();
		await session.out.rows(first(limit, session.connect().keys.list()), KEYS);
	});
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
