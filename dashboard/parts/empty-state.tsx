/** Where a list has nothing: why, and what to do about it. */
import type { IconNode } from "lucide";
import type { ComponentChildren } from "preact";
import { Icon } from "./icon.tsx";

export function EmptyState({ icon, title, children }: { icon: IconNode; title: string; children?: ComponentChildren }) {
	return (
		<div class="empty">
			<Icon of={icon} size={24} />
			<h2>{title}</h2>
			{children}
		</div>
	);
}
