/** One of the facts of a `<dl>`. */
import type { ComponentChildren } from "preact";

export function Fact({ label, children }: { label: string; children: ComponentChildren }) {
	return (
		<div>
			<dt>{label}</dt>
			<dd>{children}</dd>
		</div>
	);
}
