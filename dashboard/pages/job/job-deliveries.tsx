/** The webhooks of a job: each receiver, each attempt, and what the receiver replied. */
import { Send, Webhook } from "lucide";
import type { Delivery, Job } from "../../../client/index.ts";
import { holdfast } from "../../app/client.ts";
import { can } from "../../app/session.ts";
import { useAction } from "../../data/action.ts";
import { duration } from "../../format/times.ts";
import { visible } from "../../format/visible.ts";
import { Badge, StateBadge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { ErrorBox } from "../../parts/error-box.tsx";
import { NextTry } from "../../parts/next-try.tsx";
import { Time } from "../../parts/time.tsx";

export function JobDeliveries({ job, onChanged }: { job: Job; onChanged: () => Promise<void> }) {
	const { deliveries = [] } = job;
	if (deliveries.length === 0)
		return (
			<EmptyState icon={Webhook} title={job.finished_at === null ? "No webhooks yet" : "This job had no webhooks"}>
				<p>
					Submit a job with <code>webhook</code>, or register an endpoint: each gets a signed request when a job is
					final.
				</p>
			</EmptyState>
		);
	return (
		<div class="deliveries">
			{deliveries.map((delivery) => (
				<DeliveryCard key={delivery.id} delivery={delivery} onChanged={onChanged} />
			))}
		</div>
	);
}

function DeliveryCard({ delivery, onChanged }: { delivery: Delivery; onChanged: () => Promise<void> }) {
	const { id, event_type, event_id, url, status, next_attempt_at, attempts } = delivery;
	const resending = useAction(async () => {
		await holdfast.deliveries.redeliver(id);
		await onChanged();
	});
	return (
		<article class="delivery">
			<header>
				<StateBadge state={status} />
				<h3>{event_type}</h3>
				<code>{visible(url)}</code>
				{can("webhooks:write") && status !== "pending" ? (
					<Button icon={Send} isBusy={resending.isBusy} onClick={() => void resending.run()}>
						Send again
					</Button>
				) : null}
			</header>
			<p class="hint">
				webhook-id <code>{event_id}</code>
				{next_attempt_at === null ? null : (
					<>
						, next attempt <NextTry at={next_attempt_at} />
					</>
				)}
			</p>
			<ErrorBox error={resending.error} />
			<ol>
				{attempts.map((attempt) => (
					<DeliveryAttempt key={attempt.at} attempt={attempt} />
				))}
			</ol>
		</article>
	);
}

function DeliveryAttempt({ attempt }: { attempt: Delivery["attempts"][number] }) {
	const { at, duration_ms, status, error, response } = attempt;
	const isGood = status !== null && status >= 200 && status < 300;
	return (
		<li>
			<p>
				<Badge tone={isGood ? "good" : "bad"}>{status === null ? "No reply" : `HTTP ${status}`}</Badge> <Time at={at} />
				, took {duration(duration_ms)}
			</p>
			{error === null ? null : <p>{visible(error)}</p>}
			{response === null || response === "" ? null : <pre>{visible(response)}</pre>}
		</li>
	);
}
