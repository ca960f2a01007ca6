/** One endpoint: its settings, what can be done with it, and what was sent to it. */
import type { WebhookEndpoint } from "../../../client/schemas.ts";
import { holdfast } from "../../app/client.ts";
import { useResource } from "../../data/resource.ts";
import { Copy } from "../../parts/copy.tsx";
import { ErrorBox } from "../../parts/error-box.tsx";
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
			<div>
				<dt>State</dt>
				<dd>
					<Health endpoint={endpoint} />
				</dd>
			</div>
			<div>
				<dt>URL</dt>
				<dd class="address">{url}</dd>
			</div>
			<div>
				<dt>Events</dt>
				<dd>{event_types.join(", ")}</dd>
			</div>
			<div>
				<dt>Content</dt>
				<dd>{payload === "thin" ? "Ids and statuses only" : "Jobs with their results"}</dd>
			</div>
			<div>
				<dt>Signing secret</dt>
				<dd>
					<code>{signing_secret_hint}</code>
				</dd>
			</div>
			<div>
				<dt>Added</dt>
				<dd>
					<Time at={isoOf(created_at)} />
				</dd>
			</div>
			<div>
				<dt>Changed</dt>
				<dd>
					<Time at={isoOf(updated_at)} />
				</dd>
			</div>
			<div>
				<dt>Id</dt>
				<dd>
					<code>{id}</code> <Copy text={id} label="Copy endpoint id" />
				</dd>
			</div>
		</dl>
	);
}
