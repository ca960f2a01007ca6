/**
 * S6: the end of a job, its first start, and the disabling of an endpoint each owe, in their own transaction, what the
 * job's own webhook and the endpoints of that moment ask for: no more, no less, and of nothing else anything.
 */
import type { Changed, Ledger } from "../ledger.ts";
import type { Simulation } from "../simulate.ts";
import type { Row } from "../world/sql-engine.ts";
import { isFinalRow, textOf, webhookOf } from "./rows.ts";

const COLUMNS = ["id", "job_id", "event_id", "event_type", "endpoint_id", "url", "payload", "status"] as const;
type Owed = Record<(typeof COLUMNS)[number], unknown>;

export function watchOwed({ ledger, world }: Simulation): undefined {
	ledger.onTransaction((changes) => {
		const expected = changes.flatMap((change) => expectedOf(ledger, change)).map(asText);
		const found = changes.flatMap(({ table, before, after }) =>
			table === "deliveries" && before === null && after !== null ? [asText(after as Owed)] : [],
		);
		const who = changes[0]?.by?.name;
		for (const missing of expected.filter((one) => !found.includes(one)))
			world.violate("S6", `${who} forgot to owe ${missing}`);
		for (const extra of found.filter((one) => !expected.includes(one)))
			world.violate("S6", `${who} owes ${extra}, which nothing explains`);
	});
}

const asText = (owed: Owed) => JSON.stringify(COLUMNS.map((column) => owed[column]));

function expectedOf(ledger: Ledger, { table, before, after }: Changed & { table: string }): Owed[] {
	if (after === null) return [];
	if (table === "jobs") {
		const happenings = [
			...(before !== null && before.started_at === null && after.started_at !== null ? ["started"] : []),
			...(!isFinalRow(before) && isFinalRow(after) ? [textOf(after, "status")] : []),
		];
		return happenings.flatMap((happening) => owedOfJob(ledger, after, happening));
	}
	const isDisabling = table === "webhook_endpoints" && before?.status === "enabled" && after.status === "disabled";
	return isDisabling ? owedOfDisabling(ledger, after) : [];
}

function owedOfJob(ledger: Ledger, job: Row, happening: string): Owed[] {
	const bare = textOf(job, "id").slice(4);
	const type = `job.${happening}`;
	const event = { job_id: job.id, event_id: `evt_${bare}_${happening}`, event_type: type };
	const webhook = webhookOf(job);
	const isWanted = webhook?.events?.some((asked) => asked === type || asked === "job.*") ?? happening !== "started";
	const oneOff = {
		...event,
		id: `dlv_${bare}_${happening}_webhook`,
		endpoint_id: null,
		url: webhook?.url,
		payload: webhook?.payload,
		status: "pending",
	};
	const registered = endpointsOf(ledger, job, type).map((endpoint) => ({
		...event,
		...toEndpoint(endpoint),
		id: `dlv_${bare}_${happening}_${endpoint.id}`,
	}));
	return webhook !== null && isWanted ? [oneOff, ...registered] : registered;
}

/** Whoever is disabled itself, or was made since by the database's clock, is not told. */
function owedOfDisabling(ledger: Ledger, gone: Row): Owed[] {
	const what = `${textOf(gone, "id").slice(3)}_disabled_${gone.disabled_at}`;
	return endpointsOf(ledger, gone, "endpoint.disabled")
		.filter(({ id, status, created_at }) => {
			return id !== gone.id && status === "enabled" && Number(created_at) <= Number(gone.disabled_at);
		})
		.map((endpoint) => ({
			job_id: "",
			event_id: `evt_${what}`,
			event_type: "endpoint.disabled",
			...toEndpoint(endpoint),
			id: `dlv_${what}_${endpoint.id}`,
		}));
}

/** Those of the same tenant that ask for `type`, or for all of its family. */
function endpointsOf(ledger: Ledger, { tenant_id }: Row, type: string): Row[] {
	return [...ledger.rows("webhook_endpoints").values()].filter((endpoint) => {
		const asked = JSON.parse(textOf(endpoint, "event_types")) as string[];
		return endpoint.tenant_id === tenant_id && asked.some((one) => one === type || one === `${type.split(".")[0]}.*`);
	});
}

function toEndpoint({ id, url, payload, status }: Row) {
	return { endpoint_id: id, url, payload, status: status === "enabled" ? "pending" : "skipped" };
}
