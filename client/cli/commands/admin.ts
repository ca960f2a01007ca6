/** `holdfast admin`: what the operator does, with ADMIN_TOKEN instead of an API key. */
import { type Command, InvalidArgumentError } from "commander";
import type { Holdfast } from "../../index.ts";
import type { CreateTenant, Tenant } from "../../schemas.ts";
import { count } from "../arguments.ts";
import { UsageError } from "../exit-codes.ts";
import type { Column } from "../output.ts";
import { ageOf, first, timeOf } from "../rows.ts";
import type { CliSession } from "../session.ts";
import { AUDIT, KEYS, type KeyFlags, keyFlags, keyOf } from "./account.ts";

type Limits = NonNullable<CreateTenant["limits"]>;

const TENANTS: Column<Tenant>[] = [
	{ title: "ID", of: ({ id }) => id },
	{ title: "NAME", of: ({ name }) => name, isCuttable: true },
	{
		title: "CREATED",
		shortTitle: "AGE",
		of: ({ created_at }) => timeOf(created_at),
		short: ({ created_at }) => ageOf(created_at),
	},
];

/** From `open_jobs=5` and `open_jobs=none`. The service validates the limits' names. */
function limit(text: string, soFar: Limits = {}): Limits {
	const [, name, value] = /^(\w+)=(\d+|none)$/.exec(text) ?? [];
	if (name === undefined) throw new InvalidArgumentError("Write it as open_jobs=5 or open_jobs=none.");
	return { ...soFar, [name]: value === "none" ? null : Number(value) };
}

type Begin = () => { session: CliSession; holdfast: Holdfast };

export function addAdmin(program: Command, begin: () => CliSession): void {
	const admin = program
		.command("admin")
		.description("for the operator: tenants, their keys, and the status of the service (ADMIN_TOKEN)");
	const asOperator = () => {
		const session = begin();
		return { session, holdfast: session.client(session.profiles.adminConnection(session.flags)) };
	};
	addTenants(admin, asOperator);
	addKeys(admin, asOperator);
	admin
		.command("status")
		.description("open jobs, pending deliveries, parked jobs and the last sweep")
		.action(async () => {
			const { session, holdfast } = asOperator();
			session.out.object(await holdfast.admin.status());
		});
}

function addTenants(admin: Command, begin: Begin): void {
	const tenants = admin.command("tenants").description("create, change and delete tenants");
	tenants.command("list").action(async () => {
		const { session, holdfast } = begin();
		await session.out.rows(holdfast.admin.tenants({ limit: 100 }), TENANTS);
	});
	tenants
		.command("create <name>")
		.option("--limit <name=number>", "open_jobs=5, or open_jobs=none; repeatable", limit)
		.action(async (name: string, flags: { limit?: Limits }) => {
			const { session, holdfast } = begin();
			const limits = flags.limit === undefined ? {} : { limits: flags.limit };
			session.out.object(await holdfast.admin.createTenant({ name, ...limits }));
		});
	tenants.command("show <tenant>").action(async (id: string) => {
		const { session, holdfast } = begin();
		session.out.object(await holdfast.admin.tenant(id));
	});
	tenants
		.command("update <tenant>")
		.option("--name <name>")
		.option("--limit <name=number>", "open_jobs=5, or open_jobs=none; repeatable", limit)
		.action(async (id: string, { name, limit: limits }: { name?: string; limit?: Limits }) => {
			if (name === undefined && limits === undefined)
				throw new UsageError("Nothing to update: pass --name or --limit.");
			const { session, holdfast } = begin();
			const changes = { ...(name === undefined ? {} : { name }), ...(limits === undefined ? {} : { limits }) };
			session.out.object(await holdfast.admin.updateTenant(id, changes));
		});
	tenants
		.command("delete <tenant>")
		.description("erase a tenant and its data permanently, except its audit log")
		.option("--yes", "do not ask")
		.action(async (id: string, { yes }: { yes?: boolean }) => {
			const { session, holdfast } = begin();
			await session.confirm(`This permanently erases everything of ${id}.`, yes);
			await holdfast.admin.deleteTenant(id);
			session.out.object({ id, deleted: true });
		});
	tenants
		.command("audit-log <tenant>")
		.description("who changed what, newest first")
		.option("--limit <n>", "how many at most", count, 20)
		.action(async (id: string, { limit }: { limit: number }) => {
			const { session, holdfast } = begin();
			const page = { limit: Math.min(limit, 100) };
			await session.out.rows(first(limit, holdfast.admin.auditLog(id, page)), AUDIT);
		});
}

function addKeys(admin: Command, begin: Begin): void {
	const keys = admin.command("keys").description("create, list and revoke the keys of a tenant");
	keys.command("list <tenant>").action(async (id: string) => {
		const { session, holdfast } = begin();
		await session.out.rows(holdfast.admin.keys(id, { limit: 100 }), KEYS);
	});
	keyFlags(keys.command("create <tenant> [name]").description("shown only once")).action(
		async (tenant: string, name: string | undefined, flags: KeyFlags) => {
			const { session, holdfast } = begin();
			session.out.object(await holdfast.admin.createKey(tenant, keyOf(name, flags)));
		},
	);
	keys.command("revoke <ids...>").action(async (ids: string[]) => {
		const { session, holdfast } = begin();
		for (const id of ids) {
			await holdfast.admin.revokeKey(id);
			session.out.object({ id, revoked: true });
		}
	});
}
