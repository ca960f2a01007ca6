/** One delivery: what was sent, and what came back, try by try. */
import { RotateCw } from "lucide";
import type { Delivery } from "../../../client/schemas.ts";
import { holdfast } from "../../app/client.ts";
import { can } from "../../app/session.ts";
import { useAction } from "../../data/action.ts";
import { useResource } from "../../data/resource.ts";
import { duration } from "../../format/times.ts";
import { visible } from "../../format/visible.ts";
import { Badge, StateBadge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { Code, Copy } from "../../parts/copy.tsx";
import { ErrorBox } from "../../parts/error-box.tsx";
import { Fact } from "../../parts/fact.tsx";
import { NextTry } from "../../parts/next-try.tsx";
import { PageHeader } from "../../parts/page-header.tsx";
import { Time } from "../../parts/time.tsx";
import "./webhooks.css";

export default function DeliveryPage({ id }: { id: string }) {
	const delivery = useResource(`delivery ${id}`, (signal) => holdfast.deliveries.get(id, { signal }), {
		pollMs: 3_000,
		isLast: ({ status }) => status !== "pending",
	});
	const { value } = delivery;
	return (
		<>
			<PageHeader
				title={value?.event_type ?? "Delivery"}
				above={<a href="/dashboard/webhooks/deliveries">Deliveries</a>}
			>
				{value !== undefined && can("webhooks:write") ? <Redeliver id={id} onSent={delivery.refresh} /> : null}
			</PageHeader>
			<ErrorBox error={delivery.error} onRetry={() => void delivery.refresh()} />
			{value === undefined ? null : (
				<>
					<Facts delivery={value} />
					<h2>Request</h2>
					<Code text={requestOf(value)} label="Copy request" />
					<h2>Tries</h2>
					<Tries attempts={value.attempts} />
				</>
			)}
		</>
	);
}

function Redeliver({ id, onSent }: { id: string; onSent: () => Promise<void> }) {
	const { isBusy, error, run } = useAction(async () => {
		await holdfast.deliveries.redeliver(id);
		await onSent();
	});
	return (
		<>
			<Button icon={RotateCw} isBusy={isBusy} onClick={() => void run()}>
				Send again
			</Button>
			<ErrorBox error={error} />
		</>
	);
}

function Facts({ delivery }: { delivery: Delivery }) {
	const { id, status, job_id, created_at, next_attempt_at } = delivery;
	return (
		<dl class="facts-list">
			<Fact label="State">
				<StateBadge state={status} />
			</Fact>
			{job_id === null ? null : (
				<Fact label="Job">
					<a href={`/dashboard/jobs/${job_id}`}>{job_id}</a>
				</Fact>
			)}
			<Receiver delivery={delivery} />
			<Fact label="Created">
				<Time at={created_at} />
			</Fact>
			{next_attempt_at === null ? null : (
				<Fact label="Next try">
					<NextTry at={next_attempt_at} />
				</Fact>
			)}
			<Fact label="Id">
				<code>{id}</code> <Copy text={id} label="Copy delivery id" />
			</Fact>
		</dl>
	);
}

function Receiver({ delivery: { endpoint_id } }: { delivery: Delivery }) {
	return (
		<Fact label="Receiver">
			{endpoint_id === null ? (
				"The job's own webhook"
			) : (
				<a href={`/dashboard/webhooks/${endpoint_id}`}>{endpoint_id}</a>
			)}
		</Fact>
	);
}

/** As it is sent. The time and the signature are those of each try, and the body is the event with the job as it is then. */
function requestOf({ url, event_id, event_type, attempts, job_id }: Delivery): string {
	const last = attempts.at(-1);
	const timestamp = last === undefined ? "…" : Math.floor(Date.parse(last.at) / 1_000);
	return `POST ${url}
content-type: application/json
webhook-id: ${event_id}
webhook-timestamp: ${timestamp}
webhook-signature: v1,…

{
  "id": "${event_id}",
  "object": "event",
  "type": "${event_type}",
  "data": {${job_id === null ? "" : `"id": "${job_id}", `}…}
}`;
}

function Tries({ attempts }: { attempts: Delivery["attempts"] }) {
	if (attempts.length === 0) return <p class="soft">Not tried yet.</p>;
	return (
		<ol class="tries">
			{attempts.toReversed().map(({ at, status, error, response, duration_ms }, index) => (
				<li key={at}>
					<p class="try">
						<strong>Try {attempts.length - index}</strong>
						<Badge tone={error === null ? "good" : "bad"}>{status === null ? "No reply" : `HTTP ${status}`}</Badge>
						<span class="soft">
							<Time at={at} /> · took {duration(duration_ms)}
						</span>
					</p>
					{error === null ? null : <p class="breaks">{visible(error)}</p>}
					{response === null || response === "" ? null : <Code text={response} label="Copy reply" />}
				</li>
			))}
		</ol>
	);
}
