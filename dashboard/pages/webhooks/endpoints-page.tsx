/** The registered receivers of the tenant's events, each with how its last day went. */
import { Plus, Webhook } from "lucide";
import { useState } from "preact/hooks";
import type { WebhookEndpoint } from "../../../client/schemas.ts";
import { holdfast } from "../../app/client.ts";
import { can } from "../../app/session.ts";
import { useList } from "../../data/list.ts";
import { visible } from "../../format/visible.ts";
import { Button } from "../../parts/button.tsx";
import { Code } from "../../parts/copy.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { ErrorBox } from "../../parts/error-box.tsx";
import { More } from "../../parts/more.tsx";
import { PageHeader } from "../../parts/page-header.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { CreateEndpoint } from "./create-endpoint.tsx";
import { Health } from "./health.tsx";
import { WebhookTabs } from "./webhook-tabs.tsx";
import "./webhooks.css";

const COLUMNS: Column<WebhookEndpoint>[] = [
	{
		id: "name",
		label: "Endpoint",
		cell: ({ id, name, url }) => (
			<span class="endpoint-name">
				<a href={`/dashboard/webhooks/${id}`}>{visible(name)}</a>
				<span class="address cut" title={visible(url)}>
					{visible(url)}
				</span>
			</span>
		),
		isTitle: true,
	},
	{ id: "events", label: "Events", cell: ({ event_types }) => <span class="breaks">{event_types.join(", ")}</span> },
	{ id: "health", label: "Last 24 hours", cell: (endpoint) => <Health endpoint={endpoint} /> },
];

export default function EndpointsPage() {
	const list = useList("endpoints", (signal) => holdfast.endpoints.list({ limit: 100 }, { signal }), {
		pollMs: 10_000,
	});
	const [isCreating, setCreating] = useState(false);
	return (
		<>
			<PageHeader title="Webhooks">
				{can("webhooks:write") ? (
					<Button kind="primary" icon={Plus} onClick={() => setCreating(true)}>
						Add endpoint
					</Button>
				) : null}
			</PageHeader>
			<WebhookTabs current="endpoints" />
			<ErrorBox error={list.error} onRetry={() => void list.refresh()} />
			{list.items?.length === 0 ? (
				<NoEndpoints />
			) : (
				<Table
					caption="Webhook endpoints"
					columns={COLUMNS}
					rows={list.items ?? []}
					keyOf={({ id }) => id}
					isLoading={list.items === undefined}
				/>
			)}
			<More list={list} what="endpoints" />
			{isCreating ? <CreateEndpoint onClose={() => setCreating(false)} onCreated={list.refresh} /> : null}
		</>
	);
}

function NoEndpoints() {
	const curl = `curl ${location.origin}/v1/webhook_endpoints \\
  -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \\
  -d '{"name": "CRM", "url": "<https address>",
       "event_types": ["job.succeeded", "job.failed"]}'`;
	return (
		<EmptyState icon={Webhook} title="No endpoints yet">
			<p>
				An endpoint receives a signed request for each event that it subscribes to. Jobs can also name a webhook of
				their own.
			</p>
			<Code text={curl} label="Copy command" />
		</EmptyState>
	);
}
