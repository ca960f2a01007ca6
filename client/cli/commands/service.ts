/** `holdfast models`, `status` and `open`. */
import type { Command } from "commander";
import type { Model } from "../../schemas.ts";
import { UsageError } from "../exit-codes.ts";
import type { Column } from "../output.ts";
import { ageOf, timeOf } from "../rows.ts";
import type { CliSession } from "../session.ts";
import type { Style } from "../terminal.ts";

const MODELS: Column<Model>[] = [
	{ title: "MODEL", of: ({ id }) => id, isCuttable: true },
	{ title: "PROVIDER", of: ({ owned_by }) => owned_by },
	{ title: "STATE", of: ({ state }) => state, style: ({ state }) => STYLES[state] ?? "red" },
	{ title: "UNTIL", of: ({ until }) => timeOf(until), short: ({ until }) => ageOf(until) },
	{ title: "PARKED", isNumber: true, of: ({ parked_jobs: { value, or_more } }) => `${value}${or_more ? "+" : ""}` },
];

const STYLES: Record<string, Style> = { healthy: "green", recovering: "yellow", throttled: "yellow" };

export function addService(program: Command, begin: () => CliSession): void {
	program
		.command("models")
		.description("what keeps calls of each model from starting, and how many jobs wait for it")
		.action(async () => {
			const session = begin();
			await session.out.rows(session.connect().models.list(), MODELS);
		});
	program
		.command("status")
		.description("whether the service is healthy, how fast it responds, and whose the API key is")
		.action(async () => {
			const session = begin();
			const { url, key: known } = session.profiles.connection(session.flags);
			const holdfast = session.client(known === null ? { url } : { url, key: known });
			const startedAt = performance.now();
			const { status } = await holdfast.health();
			const response_ms = Math.round(performance.now() - startedAt);
			const { tenant, key } = known === null ? { tenant: null, key: null } : await holdfast.session();
			session.out.object({ url, status, response_ms, tenant, key });
		});
	program
		.command("open [id]")
		.description("open the dashboard, or a job in it, in the browser; in a pipe, print the address")
		.action(async (id?: string) => {
			const session = begin();
			const { url } = session.profiles.target(session.flags);
			const hasDashboard = await exists(session, `${url}/dashboard`);
			if (!hasDashboard && id !== undefined)
				throw new UsageError(`${url} has no dashboard. See the job with: holdfast jobs get ${id}`);
			const page = hasDashboard ? "/dashboard" : "/docs";
			const address = `${url}${page}${id === undefined ? "" : `/jobs/${encodeURIComponent(id)}`}`;
			session.out.text(address);
			if (session.stdout.isTTY) session.surroundings.openBrowser(address);
		});
}

async function exists(session: CliSession, address: string): Promise<boolean> {
	const { signal } = session.surroundings;
	const response = await session.fetch(address, { method: "GET", redirect: "manual", signal });
	await response.body?.cancel();
	return response.status < 400;
}
