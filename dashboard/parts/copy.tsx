/** Copies a text, and says so. */
import { signal } from "@preact/signals";
import { Check, Copy as CopyIcon } from "lucide";
import { useState } from "preact/hooks";
import { visible } from "../format/visible.ts";
import { Button } from "./button.tsx";
import { Icon } from "./icon.tsx";

/** How long a button says that it has copied. */
export const COPIED_MS = 1_500;

/** @param label what is copied: "Copy job id". Shown beside the icon where `isNamed`. */
export function Copy({ text, label, isNamed = false }: { text: string; label: string; isNamed?: boolean }) {
	const [isCopied, setCopied] = useState(false);
	const copy = async () => {
		if (!(await copyText(text))) return;
		setCopied(true);
		setTimeout(() => setCopied(false), COPIED_MS);
	};
	const shown = isCopied ? "Copied" : label;
	return isNamed ? (
		<Button icon={isCopied ? Check : CopyIcon} onClick={() => void copy()}>
			{shown}
		</Button>
	) : (
		<button type="button" class="copy" aria-label={shown} title={shown} onClick={() => void copy()}>
			<Icon of={isCopied ? Check : CopyIcon} size={14} />
		</button>
	);
}

/** What the browser refused to copy: it is shown, to be copied by hand. */
export const refusedText = signal<string | null>(null);

/** Whether the text is in the clipboard. */
export async function copyText(text: string): Promise<boolean> {
	const isCopied = await writeText(text);
	if (!isCopied) refusedText.value = text;
	return isCopied;
}

async function writeText(text: string): Promise<boolean> {
	// Browsers have no clipboard for pages over http that are not on this machine.
	if (navigator.clipboard === undefined) return writeSelection(text);
	try {
		await navigator.clipboard.writeText(text);
		return true;
	} catch {
		return false;
	}
}

function writeSelection(text: string): boolean {
	const focused = document.activeElement;
	const area = document.createElement("textarea");
	area.value = text;
	// Outside of an open dialog, nothing can be selected.
	([...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body).append(area);
	area.select();
	const isCopied = document.execCommand("copy");
	area.remove();
	if (focused instanceof HTMLElement) focused.focus();
	return isCopied;
}

/** Text to be run or pasted, with a button that copies it. */
export function Code({ text, label }: { text: string; label: string }) {
	return (
		<div class="code">
			{/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keyboard. */}
			<pre tabIndex={0}>{visible(text)}</pre>
			<Copy text={text} label={label} />
		</div>
	);
}
