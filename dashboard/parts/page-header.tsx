/** The head of a page: its title, which gets the focus when the page is opened, and what can be done with all of it. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { visible } from "../format/visible.ts";

interface PageHeaderProps {
	title: string;
	/** Shown instead of the title, which the browser's tab still has. */
	shown?: ComponentChildren;
	/** A line above the title: where the page belongs. */
	above?: ComponentChildren;
	/** Buttons at the end of the line. */
	children?: ComponentChildren;
}

export function PageHeader({ title, shown, above, children }: PageHeaderProps) {
	const heading = useRef<HTMLHeadingElement>(null);
	useEffect(() => heading.current?.focus({ preventScroll: true }), []);
	useEffect(() => {
		document.title = `${visible(title)} · Holdfast`;
	}, [title]);
	return (
		<header class="page-header">
			<div class="page-title">
				{above === undefined ? null : <p class="above">{above}</p>}
				<h1 ref={heading} tabIndex={-1}>
					{shown ?? visible(title)}
				</h1>
			</div>
			{children === undefined ? null : <div class="actions">{children}</div>}
		</header>
	);
}
