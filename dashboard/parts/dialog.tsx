/** Modal dialogs. The browser keeps the focus in them, and closes them on Escape. */
import { X } from "lucide";
import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { whole } from "../format/numbers.ts";
import { visible } from "../format/visible.ts";
import { Button } from "./button.tsx";
import { ErrorBox } from "./error-box.tsx";

interface DialogProps {
	title: string;
	children: ComponentChildren;
	/** While it shows what is shown only once: nothing but a button of its own closes it. */
	isHeld?: boolean;
	onClose: () => void;
}

export function Dialog({ title, children, isHeld = false, onClose }: DialogProps) {
	const dialog = useRef<HTMLDialogElement>(null);
	const id = useId();
	useLayoutEffect(() => {
		const shown = dialog.current;
		shown?.showModal();
		return () => {
			shown?.close();
			queueMicrotask(focusSomething);
		};
	}, []);
	// Browsers close a dialog at a second Escape, whatever the page says to the first.
	const onClosed = () => {
		if (isHeld) dialog.current?.showModal();
		else if (dialog.current !== null) onClose();
	};
	return (
		<dialog
			ref={dialog}
			aria-labelledby={id}
			onClose={onClosed}
			onCancel={(event) => {
				event.preventDefault();
				if (!isHeld) onClose();
			}}
		>
			<header>
				<h2 id={id}>{visible(title)}</h2>
				{isHeld ? null : <Button kind="quiet" icon={X} label="Close" onClick={onClose} />}
			</header>
			{children}
		</dialog>
	);
}

/** The browser gives the focus back to what opened the dialog. Where that is gone, it goes to the page's title. */
function focusSomething(): void {
	if (document.activeElement === document.body) document.querySelector("h1")?.focus({ preventScroll: true });
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
