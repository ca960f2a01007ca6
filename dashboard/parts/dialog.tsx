/** Modal dialogs. The browser keeps the focus in them, and closes them on Escape. */
import { X } from "lucide";
import { type ComponentChildren, createContext } from "preact";
import { useContext, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useAction } from "../data/action.ts";
import { whole } from "../format/numbers.ts";
import { visible } from "../format/visible.ts";
import { Button } from "./button.tsx";
import { ErrorBox } from "./error-box.tsx";

interface DialogProps {
	title: string;
	children: ComponentChildren;
	onClose: () => void;
}

const Hold = createContext<(isHeld: boolean) => void>(() => undefined);

/**
 * Keeps the dialog around it open: during a request, whose response would be lost, and while it shows what is
 * shown only once. Nothing but a button of its own closes it then.
 */
export function useHeldDialog(isHeld: boolean): void {
	const hold = useContext(Hold);
	useLayoutEffect(() => {
		hold(isHeld);
		return () => hold(false);
	}, [hold, isHeld]);
}

export function Dialog({ title, children, onClose }: DialogProps) {
	const [isHeld, setHeld] = useState(false);
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
			<Hold.Provider value={setHeld}>{children}</Hold.Provider>
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

export function Confirm({ title, onClose, ...form }: ConfirmProps) {
	return (
		<Dialog title={title} onClose={onClose}>
			<ConfirmForm {...form} onClose={onClose} />
		</Dialog>
	);
}

function ConfirmForm({
	children,
	action,
	isDanger = false,
	count = null,
	onConfirm,
	onClose,
}: Omit<ConfirmProps, "title">) {
	const [typed, setTyped] = useState("");
	const id = useId();
	const isTyped = count === null || typed.replaceAll(/\D/g, "") === String(count);
	const { isBusy, error, run } = useAction(async () => {
		if (!isTyped) return;
		await onConfirm();
		onClose();
	});
	useHeldDialog(isBusy);
	return (
		<form onSubmit={(event) => void run(event)}>
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
				<Button onClick={onClose} disabled={isBusy}>
					Go back
				</Button>
				<Button type="submit" kind={isDanger ? "danger" : "primary"} isBusy={isBusy} disabled={!isTyped}>
					{action}
				</Button>
			</footer>
		</form>
	);
}
