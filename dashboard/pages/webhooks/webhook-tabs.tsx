import { Tabs } from "../../parts/tabs.tsx";

export function WebhookTabs({ current }: { current: "endpoints" | "deliveries" }) {
	return (
		<Tabs
			label="Webhooks"
			tabs={[
				{ href: "/dashboard/webhooks", label: "Endpoints", isCurrent: current === "endpoints" },
				{ href: "/dashboard/webhooks/deliveries", label: "Deliveries", isCurrent: current === "deliveries" },
			]}
		/>
	);
}
