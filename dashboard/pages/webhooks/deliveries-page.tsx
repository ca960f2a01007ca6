/** All deliveries of the tenant: to endpoints, and to the webhooks of single jobs. */
import { PageHeader } from "../../parts/page-header.tsx";
import { Deliveries } from "./deliveries.tsx";
import { WebhookTabs } from "./webhook-tabs.tsx";
import "./webhooks.css";

export default function DeliveriesPage() {
	return (
		<>
			<PageHeader title="Webhooks" />
			<WebhookTabs current="deliveries" />
			<Deliveries path="/dashboard/webhooks/deliveries" />
		</>
	);
}
