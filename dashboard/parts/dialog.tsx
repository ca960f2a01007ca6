/** Modal dialogs. The browser keeps the focus in them, closes them on Escape, and gives the focus back. */
import { X } from "lucide";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { whole } from "../format/numbers.ts";
import { Button } from "./button.tsx";
import { ErrorBox } from "./error-box.tsx";

export function Dialog({
	title,
	children,
	onClose,
}: {
	title: string;
	children: ComponentChildren;
	onClose: () => void;
}) {
	const dialog = useRef<HTMLDialogElement>(null);
	const id = useId();
	useEffect(() => {
		const shown = dialog.current;
		shown?.showModal();
		return () => shown?.close();
	}, []);
	return (
		<dialog ref={dialog} aria-labelledby={id} onClose={onClose} onCancel={onClose}>
			<header>
				<h2 id={id}>{title}</h2>
				<Button kind="quiet" icon={X} label="Close" onClick={onClose} />
			</header>
			{children}
		</dialog>
	);
}

interface ConfirmProps {
	title: string;
	/** What will happen, and whether it can be undone. */
	children: ComponentChildren;
	/** What the button does: "Cancel 3 jobs". */
	action: string;
	isDanger?: boolean;
	/** With it, the button works once this number was typed. */
	count?: number | null;
	/** Closes the dialog when it is done; its error is shown in the dialog. */
	onConfirm: () => Promise<void>;
	onClose: () => void;
}

export function Confirm({ title, children, action, isDanger = false, count = null, onConfirm, onClose }: ConfirmProps) {
	const [typed, setTyped] = useState("");
	const [isBusy, setBusy] = useState(false);
	const [error, setError] = useState<unknown>(null);
	const id = useId();
	const isTyped = count === null || typed.replaceAll(/\D/g, "") === String(count);
	const confirm = async (event: SubmitEvent) => {
		event.preventDefault();
		if (!isTyped || isBusy) return;
		setBusy(true);
		try {
			await onConfirm();
			onClose();
		} catch (caught) {
			setError(caught);
			setBusy(false);
		}
	};
	return (
		<Dialog title={title} onClose={onClose}>
			<form onSubmit={(event) => void confirm(event)}>
				<div class="dialog-text">{children}</div>
				{count === null ? null : (
					<div class="field">
						<label for={id}>Type {whole(count)} to confirm</label>
						<input
							id={id}
							inputMode="numeric"
							autoComplete="off"
							value={typed}
							onInput={(event) => setTyped(event.currentTarget.value)}
						/>
					</div>
				)}
				<ErrorBox error={error} />
				<footer>
					<Button onClick={onClose}>Go back</Button>
					<Button type="submit" kind={isDanger ? "danger" : "primary"} isBusy={isBusy} disabled={!isTyped}>
						{action}
					</Button>
				</footer>
			</form>
		</Dialog>
	);
}
