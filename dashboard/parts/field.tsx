/** A labelled control of a form, with a hint and what is wrong with it. */
import type { ComponentChildren, JSX } from "preact";
import { useId } from "preact/hooks";

interface FieldProps {
	label: string;
	hint?: ComponentChildren;
	/** What the service or the form refuses about it. */
	error?: string | null;
	/** Gets what connects the control with its label. */
	children: (control: { id: string; "aria-describedby": string; "aria-invalid": boolean }) => JSX.Element;
}

export function Field({ label, hint, error = null, children }: FieldProps) {
	const id = useId();
	return (
		<div class="field">
			<label for={id}>{label}</label>
			{children({ id, "aria-describedby": `${id}-hint`, "aria-invalid": error !== null })}
			<p class={`hint${error === null ? "" : " wrong"}`} id={`${id}-hint`}>
				{error ?? hint}
			</p>
		</div>
	);
}
