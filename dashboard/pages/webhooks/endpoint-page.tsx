/** One endpoint: its settings, what can be done with it, and what was sent to it. */
import type { WebhookEndpoint } from "../../../client/schemas.ts";
import { holdfast } from "../../app/client.ts";
import { useResource } from "../../data/resource.ts";
import { visible } from "../../format/visible.ts";
import { Copy } from "../../parts/copy.tsx";
import { ErrorBox } from "../../parts/error-box.tsx";
import { Fact } from "../../parts/fact.tsx";
import { PageHeader } from "../../parts/page-header.tsx";
import { Time } from "../../parts/time.tsx";
import { Deliveries } from "./deliveries.tsx";
import { EndpointActions } from "./endpoint-actions.tsx";
import { Health } from "./health.tsx";
import "./webhooks.css";

export default function EndpointPage({ id }: { id: string }) {
	const endpoint = useResource(`endpoint ${id}`, (signal) => holdfast.endpoints.get(id, { signal }), {
		pollMs: 10_000,
	});
	const { value } = endpoint;
	return (
		<>
			<PageHeader title={value?.name ?? "Endpoint"} above={<a href="/dashboard/webhooks">Webhooks</a>}>
				{value === undefined ? null : <EndpointActions endpoint={value} onChange={endpoint.refresh} />}
			</PageHeader>
			<ErrorBox error={endpoint.error} onRetry={() => void endpoint.refresh()} />
			{value === undefined ? null : (
				<>
					<Facts endpoint={value} />
					<h2>Deliveries</h2>
					<Deliveries endpointId={id} path={`/dashboard/webhooks/${id}`} />
				</>
			)}
		</>
	);
}

const isoOf = (unixSeconds: number) => new Date(unixSeconds * 1_000).toISOString();

function Facts({ endpoint }: { endpoint: WebhookEndpoint }) {
	const { id, url, event_types, payload, signing_secret_hint, created_at, updated_at } = endpoint;
	return (
		<dl class="facts-list">
			<Fact label="State">
				<Health endpoint={endpoint} />
			</Fact>
			<Fact label="URL">
				<span class="address">{visible(url)}</span>
			</Fact>
			<Fact label="Events">{event_types.join(", ")}</Fact>
			<Fact label="Content">{payload === "thin" ? "Ids and statuses only" : "Jobs with their results"}</Fact>
			<Fact label="Signing secret">
				<code>{signing_secret_hint}</code>
			</Fact>
			<Fact label="Added">
				<Time at={isoOf(created_at)} />
			</Fact>
			<Fact label="Changed">
				<Time at={isoOf(updated_at)} />
			</Fact>
			<Fact label="Id">
				<code>{id}</code> <Copy text={id} label="Copy endpoint id" />
			</Fact>
		</dl>
	);
}
