/** `holdfast webhooks`: endpoints, deliveries, and receiving what is sent. */
import type { Command } from "commander";
import type { CreateWebhookEndpoint, Delivery, UpdateWebhookEndpoint, WebhookEndpoint } from "../../schemas.ts";
import { count, duration, list, signingSecrets } from "../arguments.ts";
import { UsageError } from "../exit-codes.ts";
import type { Column } from "../output.ts";
import { settingOf } from "../profiles.ts";
import { ageOf, first, timeOf } from "../rows.ts";
import type { CliSession } from "../session.ts";
import { addListen } from "./listen.ts";

const ENDPOINTS: Column<WebhookEndpoint>[] = [
	{ title: "ID", of: ({ id }) => id },
	{ title: "NAME", of: ({ name }) => name, isCuttable: true },
	{
		title: "STATUS",
		of: ({ status, disabled_reason }) => (disabled_reason === null ? status : `${status} (${disabled_reason})`),
		short: ({ status }) => status,
		style: ({ status }) => (status === "disabled" ? "red" : undefined),
	},
	{ title: "EVENTS", of: ({ event_types }) => event_types.join(","), isCuttable: true },
	{ title: "URL", of: ({ url }) => url, isCuttable: true },
];

const last = ({ attempts }: Delivery) => attempts.at(-1);

const STYLES = { delivered: "green", pending: undefined, exhausted: "red", skipped: "yellow" } as const;

/** The id is long, so it comes last, and a narrow terminal wraps it. */
const DELIVERIES: Column<Delivery>[] = [
	{
		title: "STATUS",
		of: ({ status }) => status,
		style: ({ status }) => STYLES[status],
	},
	{ title: "EVENT", of: ({ event_type }) => event_type },
	{ title: "TRIES", isNumber: true, of: ({ attempts }) => `${attempts.length}` },
	{
		title: "CREATED",
		shortTitle: "AGE",
		of: ({ created_at }) => timeOf(created_at),
		short: ({ created_at }) => ageOf(created_at),
	},
	{ title: "LAST", of: (row) => `${last(row)?.status ?? last(row)?.error ?? ""}`, isCuttable: true },
	{ title: "URL", of: ({ url }) => url, isCuttable: true },
	{ title: "ID", of: ({ id }) => id },
];

type Begin = () => CliSession;

export function addWebhooks(program: Command, begin: Begin): void {
	const webhooks = program.command("webhooks").description("endpoints, deliveries, and receiving what is sent");
	const endpoints = webhooks.command("endpoints").description("create, change and delete registered receivers");
	addReading(endpoints, begin);
	addChanging(endpoints, begin);
	addActions(endpoints, begin);
	addDeliveries(webhooks, begin);
	addSigning(webhooks, begin);
	addListen(webhooks, begin);
}

function addReading(endpoints: Command, begin: Begin): void {
	endpoints
		.command("list")
		.description("newest first")
		.option("--limit <n>", "how many at most", count, 20)
		.action(async ({ limit }: { limit: number }) => {
			const session = begin();
			const all = session.connect().endpoints.list({ limit: Math.min(limit, 100) });
			await session.out.rows(first(limit, all), ENDPOINTS);
		});
	endpoints.command("get <id>").action(async (id: string) => {
		const session = begin();
		session.out.object(await session.connect().endpoints.get(id));
	});
}

interface EndpointFlags {
	name?: string;
	receiver?: string;
	events?: string[];
	payload?: "full" | "thin";
}

/** The service validates all of it, and says what is wrong. */
function fieldsOf({ name, receiver, events, payload }: EndpointFlags): UpdateWebhookEndpoint {
	return {
		...(name === undefined ? {} : { name }),
		...(receiver === undefined ? {} : { url: receiver }),
		...(events === undefined ? {} : { event_types: events as CreateWebhookEndpoint["event_types"] }),
		...(payload === undefined ? {} : { payload }),
	};
}

function addChanging(endpoints: Command, begin: Begin): void {
	const described = (command: Command) =>
		command
			.option("--name <name>")
			.option("--events <types>", "between commas, such as job.succeeded,job.failed or job.*", list)
			.option("--payload <payload>", "full or thin");
	described(endpoints.command("create <address>").description("its signing secret is shown only here")).action(
		async (url: string, flags: EndpointFlags) => {
			const session = begin();
			const { name = new URL(url).hostname, event_types = ["job.*"], ...more } = fieldsOf(flags);
			session.out.object(await session.connect().endpoints.create({ name, url, event_types, ...more }));
		},
	);
	described(endpoints.command("update <id>").description("what is left out stays"))
		.option("--receiver <address>", "where its events go")
		.action(async (id: string, flags: EndpointFlags) => {
			const session = begin();
			session.out.object(await session.connect().endpoints.update(id, fieldsOf(flags)));
		});
	endpoints.command("delete <ids...>").action(async (ids: string[]) => {
		const session = begin();
		const holdfast = session.connect();
		for (const id of ids) session.out.object(await holdfast.endpoints.delete(id));
	});
}

function addActions(endpoints: Command, begin: Begin): void {
	endpoints
		.command("enable <id>")
		.description("let a disabled endpoint receive again")
		.action(async (id: string) => {
			const session = begin();
			session.out.object(await session.connect().endpoints.enable(id));
		});
	endpoints
		.command("test <id> [event]")
		.description("send a signed sample event, job.succeeded by default")
		.action(async (id: string, event = "job.succeeded") => {
			const session = begin();
			session.out.object(await session.connect().endpoints.test(id, event));
		});
	endpoints
		.command("rotate-secret <id>")
		.description("the new secret is shown only here")
		.option("--keep-old", "the old secret signs too for 24 hours")
		.action(async (id: string, { keepOld = false }: { keepOld?: boolean }) => {
			const session = begin();
			const how = { keep_old_secret_active_for_24_hours: keepOld };
			session.out.object(await session.connect().endpoints.rotateSecret(id, how));
		});
}

interface ListFlags {
	limit: number;
	status?: string[];
	event?: string;
	since?: number;
}

async function listDeliveries(session: CliSession, id: string | undefined, { limit, ...flags }: ListFlags) {
	const { jobs, deliveries } = session.connect();
	if (id?.startsWith("job_")) {
		if (Object.keys(flags).length > 0) throw new UsageError("--status, --event and --since do not apply to one job.");
		return await session.out.rows((await jobs.deliveries(id)).slice(0, limit), DELIVERIES);
	}
	const all = deliveries.list({
		limit: Math.min(limit, 100),
		...(id === undefined ? {} : { endpointId: id }),
		// The service validates them.
		...(flags.status === undefined ? {} : { status: flags.status as Delivery["status"][] }),
		...(flags.event === undefined ? {} : { eventType: flags.event }),
		...(flags.since === undefined ? {} : { createdAfter: new Date(Date.now() - flags.since) }),
	});
	await session.out.rows(first(limit, all), DELIVERIES);
}

function addDeliveries(webhooks: Command, begin: Begin): void {
	const deliveries = webhooks.command("deliveries").description("what was sent, and what came back");
	deliveries
		.command("list [id]")
		.description("of an endpoint (we_…), newest first, of a job (job_…), or all")
		.option("--status <states>", "pending, delivered, exhausted or skipped, several between commas", list)
		.option("--event <type>", "such as job.failed")
		.option("--since <time>", "such as 24h or 7d", duration)
		.option("--limit <n>", "how many at most", count, 20)
		.action(async (id: string | undefined, flags: ListFlags) => await listDeliveries(begin(), id, flags));
	deliveries.command("get <id>").action(async (id: string) => {
		const session = begin();
		session.out.object(await session.connect().deliveries.get(id));
	});
	webhooks
		.command("redeliver <ids...>")
		.description("send deliveries (dlv_…), or all of a job (job_…), again")
		.action(async (ids: string[]) => {
			const session = begin();
			const { jobs, deliveries } = session.connect();
			for (const id of ids) {
				const sent = id.startsWith("job_") ? await jobs.redeliver(id) : [await deliveries.redeliver(id)];
				for (const one of sent) session.out.object(one);
			}
		});
	webhooks
		.command("recover <id>")
		.description("send an endpoint what it missed: all exhausted and skipped deliveries")
		.requiredOption("--since <time>", "such as 24h or 7d, at most 30d", duration)
		.action(async (id: string, { since }: { since: number }) => {
			const session = begin();
			const { endpoints } = session.connect();
			const from = { since: new Date(Date.now() - since).toISOString() };
			let recovered = 0;
			for (let hasMore = true; hasMore; ) {
				const page = await endpoints.recover(id, from);
				recovered += page.recovered;
				hasMore = page.has_more;
			}
			session.out.object({ webhook_endpoint_id: id, recovered });
		});
}

function addSigning(webhooks: Command, begin: Begin): void {
	webhooks
		.command("event-types")
		.description("what an endpoint may receive")
		.action(async () => {
			const session = begin();
			for (const type of await session.connect().endpoints.eventTypes()) session.out.text(type);
		});
	const secret = webhooks.command("secret").description("what signs the webhooks that jobs name themselves");
	secret.command("show").action(async () => {
		const session = begin();
		session.out.object(await session.connect().webhooks.signingSecret());
	});
	secret
		.command("rotate")
		.option("--keep-old", "the old secret signs too for 24 hours")
		.action(async ({ keepOld = false }: { keepOld?: boolean }) => {
			const session = begin();
			const how = { keep_old_secret_active_for_24_hours: keepOld };
			session.out.object(await session.connect().webhooks.rotateSigningSecret(how));
		});
	webhooks
		.command("verify")
		.description("check the signature of a request on stdin: its headers, an empty line, its body")
		.option("--secret <secrets>", "one, or several between commas (HOLDFAST_WEBHOOK_SECRET)")
		.action(async (flags: { secret?: string }) => {
			const session = begin();
			const given = flags.secret ?? settingOf(session.surroundings.env, "HOLDFAST_WEBHOOK_SECRET");
			if (given === undefined) throw new UsageError("Pass --secret, or set HOLDFAST_WEBHOOK_SECRET.");
			const secrets = signingSecrets(given);
			const { headers, body } = requestOf(await session.readStdinText());
			session.out.object(
				await session.client({ url: "http://localhost", key: "none" }).webhooks.unwrap(body, headers, secrets),
			);
		});
}

/** Of a raw HTTP request, with or without its first line. */
function requestOf(text: string): { headers: Record<string, string>; body: string } {
	const [, head = "", body = ""] = /^(.*?)\r?\n\r?\n(.*)$/s.exec(text) ?? [];
	const pairs = head.split(/\r?\n/).flatMap((line): [string, string][] => {
		const [, name, value] = /^([\w-]+):\s*(.*?)\s*$/.exec(line) ?? [];
		return name === undefined || value === undefined ? [] : [[name.toLowerCase(), value]];
	});
	if (pairs.length === 0)
		throw new UsageError("Send the request on stdin: its headers, an empty line, and its body as it came.");
	return { headers: Object.fromEntries(pairs), body };
}
