/** An icon of lucide, which has them as data. It is decoration: the word beside it says the same. */
import type { IconNode } from "lucide";
import { h } from "preact";

export function Icon({ of, size = 16 }: { of: IconNode; size?: number }) {
	return (
		<svg
			class="icon"
			width={size}
			height={size}
			viewBox="0 0 24 24"
			fill="none"
			stroke="currentColor"
			stroke-width="2"
			stroke-linecap="round"
			stroke-linejoin="round"
			aria-hidden="true"
			focusable="false"
		>
			{of.map(([tag, attributes]) => h(tag, attributes))}
		</svg>
	);
}
