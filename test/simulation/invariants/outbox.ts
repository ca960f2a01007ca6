/**
 * S6: finalizing a job, starting it for the first time, and disabling an endpoint each insert, in their own transaction,
 * exactly the deliveries that the job's own webhook and the endpoints of that moment subscribe to. Nothing else inserts any.
 */
import type { Changed, Ledger } from "../ledger.ts";
import type { Simulation } from "../simulate.ts";
import type { Row } from "../world/sql-engine.ts";
import { isFinalRow, textOf, webhookOf } from "./rows.ts";

const COLUMNS = ["id", "job_id", "event_id", "event_type", "endpoint_id", "url", "payload", "status"] as const;
type Delivery = Record<(typeof COLUMNS)[number], unknown>;

export function watchOutbox({ ledger, world }: Simulation): undefined {
	ledger.onTransaction((changes) => {
		const expected = changes.flatMap((change) => expectedOf(ledger, change)).map(asText);
		const found = changes.flatMap(({ table, before, after }) =>
			table === "deliveries" && before === null && after !== null ? [asText(after as Delivery)] : [],
		);
		const who = changes[0]?.by?.name;
		for (const missing of expected.filter((one) => !found.includes(one)))
			world.violate("S6", `${who} did not insert ${missing}`);
		for (const extra of found.filter((one) => !expected.includes(one)))
			world.violate("S6", `${who} inserted ${extra} without an event`);
	});
}

const asText = (delivery: Delivery) => JSON.stringify(COLUMNS.map((column) => delivery[column]));

function expectedOf(ledger: Ledger, { table, before, after }: Changed & { table: string }): Delivery[] {
	if (after === null) return [];
	if (table === "jobs") {
		const kinds = [
			...(before !== null && before.started_at === null && after.started_at !== null ? ["started"] : []),
			...(!isFinalRow(before) && isFinalRow(after) ? [textOf(after, "status")] : []),
		];
		return kinds.flatMap((kind) => deliveriesOfJob(ledger, after, kind));
	}
	const isDisabling = table === "webhook_endpoints" && before?.status === "enabled" && after.status === "disabled";
	return isDisabling ? deliveriesOfDisabling(ledger, after) : [];
}

function deliveriesOfJob(ledger: Ledger, job: Row, kind: string): Delivery[] {
	const bare = textOf(job, "id").slice(4);
	const type = `job.${kind}`;
	const event = { job_id: job.id, event_id: `evt_${bare}_${kind}`, event_type: type };
	const webhook = webhookOf(job);
	const isWanted =
		webhook?.events?.some((subscribed) => subscribed === type || subscribed === "job.*") ?? kind !== "started";
	const oneOff = {
		...event,
		id: `dlv_${bare}_${kind}_webhook`,
		endpoint_id: null,
		url: webhook?.url,
		payload: webhook?.payload,
		status: "pending",
	};
	const registered = endpointsOf(ledger, job, type).map((endpoint) => ({
		...event,
		...toEndpoint(endpoint),
		id: `dlv_${bare}_${kind}_${endpoint.id}`,
	}));
	return webhook !== null && isWanted ? [oneOff, ...registered] : registered;
}

/** Neither to the disabled endpoint itself, nor to one created since by the database's clock. */
function deliveriesOfDisabling(ledger: Ledger, gone: Row): Delivery[] {
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

/** The tenant's endpoints that subscribe to `type` or to its family. */
function endpointsOf(ledger: Ledger, { tenant_id }: Row, type: string): Row[] {
	return [...ledger.rows("webhook_endpoints").values()].filter((endpoint) => {
		const subscribed = JSON.parse(textOf(endpoint, "event_types")) as string[];
		return (
			endpoint.tenant_id === tenant_id && subscribed.some((one) => one === type || one === `${type.split(".")[0]}.*`)
		);
	});
}

function toEndpoint({ id, url, payload, status }: Row) {
	return { endpoint_id: id, url, payload, status: status === "enabled" ? "pending" : "skipped" };
}
