/** Links between views of one page, each with its own address. */
import type { ComponentChildren } from "preact";

export interface Tab {
	href: string;
	label: string;
	/** Beside the label, such as a count. */
	count?: ComponentChildren;
	isCurrent: boolean;
}

export function Tabs({ label, tabs }: { label: string; tabs: Tab[] }) {
	return (
		<nav class="tabs" aria-label={label}>
			{tabs.map((tab) => (
				<a key={tab.href} href={tab.href} aria-current={tab.isCurrent ? "page" : undefined}>
					{tab.label}
					{tab.count === undefined ? null : <span class="count">{tab.count}</span>}
				</a>
			))}
		</nav>
	);
}
