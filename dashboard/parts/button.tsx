/** A button says what it does: "Cancel job". */
import type { IconNode } from "lucide";
import type { ComponentChildren } from "preact";
import { Icon } from "./icon.tsx";

interface ButtonProps {
	children?: ComponentChildren;
	icon?: IconNode;
	/** Instead of children: the icon alone is shown, and this is its name. */
	label?: string;
	/** `primary`: the one thing to do here. `danger`: it cannot be undone. */
	kind?: "plain" | "primary" | "danger" | "quiet";
	type?: "button" | "submit";
	/** While its request runs: it keeps the focus and its width, and ignores clicks. */
	isBusy?: boolean;
	disabled?: boolean;
	pressed?: boolean;
	title?: string;
	onClick?: (event: MouseEvent) => void;
}

export function Button(props: ButtonProps) {
	const { children, icon, label, kind = "plain", type = "button", isBusy = false, disabled, pressed, title } = props;
	return (
		<button
			type={type}
			class={`button ${kind}${label === undefined ? "" : " square"}`}
			aria-label={label}
			aria-busy={isBusy}
			aria-pressed={pressed}
			title={title ?? label}
			disabled={disabled}
			onClick={(event) => {
				if (isBusy) event.preventDefault();
				else props.onClick?.(event);
			}}
		>
			{icon === undefined ? null : <Icon of={icon} />}
			{children}
		</button>
	);
}

/** A link that looks like a button: it goes to another page. */
export function ButtonLink(props: {
	href: string;
	children: ComponentChildren;
	icon?: IconNode;
	kind?: "plain" | "primary";
}) {
	const { href, children, icon, kind = "plain" } = props;
	return (
		<a href={href} class={`button ${kind}`}>
			{icon === undefined ? null : <Icon of={icon} />}
			{children}
		</a>
	);
}
