/** How an endpoint fares: whether it is enabled, and what came of its deliveries of the last day. */
import type { Delivery, WebhookEndpoint } from "../../../client/schemas.ts";
import { holdfast } from "../../app/client.ts";
import { now } from "../../data/clock.ts";
import { useResource } from "../../data/resource.ts";
import { whole } from "../../format/numbers.ts";
import { Badge } from "../../parts/badge.tsx";
import { Time } from "../../parts/time.tsx";

const DAY_MS = 24 * 3_600_000;
const LISTED = 100;

const DISABLED = { gone: "it responded with 410 Gone", failing: "every delivery failed for five days" };

export function Health({ endpoint }: { endpoint: WebhookEndpoint }) {
	const { id, status, disabled_reason, paused_until } = endpoint;
	const { value } = useResource(
		`health ${id}`,
		async (signal) => {
			const createdAfter = new Date(now.peek() - DAY_MS);
			return (await holdfast.deliveries.list({ endpointId: id, createdAfter, limit: LISTED }, { signal })).data;
		},
		{ pollMs: 30_000 },
	);
	return (
		<span class="health">
			{status === "disabled" ? (
				<Badge tone="bad">Disabled: {disabled_reason === null ? "" : DISABLED[disabled_reason]}</Badge>
			) : null}
			{paused_until === null || status === "disabled" ? null : (
				<Badge tone="warning">
					Paused until <Time at={new Date(paused_until * 1_000).toISOString()} />
				</Badge>
			)}
			{value === undefined ? null : <Day deliveries={value} isEnabled={status === "enabled"} />}
		</span>
	);
}

function Day({ deliveries, isEnabled }: { deliveries: Delivery[]; isEnabled: boolean }) {
	const count = (...states: Delivery["status"][]) => deliveries.filter(({ status }) => states.includes(status)).length;
	const [delivered, failed] = [count("delivered"), count("exhausted", "skipped")];
	const retried = deliveries.filter(({ status, attempts }) => status === "pending" && attempts.length > 0).length;
	if (deliveries.length === 0) return isEnabled ? <span class="none">No events</span> : null;
	const of = deliveries.length === LISTED ? `the last ${LISTED}` : whole(deliveries.length);
	return (
		<>
			{failed > 0 ? <Badge tone="bad">{whole(failed)} failed</Badge> : null}
			{retried > 0 ? <Badge tone="warning">{whole(retried)} being retried</Badge> : null}
			{failed + retried === 0 ? <Badge tone="good">Healthy</Badge> : null}
			<span class="soft">
				{whole(delivered)} of {of} delivered
			</span>
		</>
	);
}
