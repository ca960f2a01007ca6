/** Copies a text, and says so. */
import { Check, Copy as CopyIcon } from "lucide";
import { useState } from "preact/hooks";
import { Button } from "./button.tsx";
import { Icon } from "./icon.tsx";

const SHOWN_MS = 1_500;

/** @param label what is copied: "Copy job id". Shown beside the icon where `isNamed`. */
export function Copy({ text, label, isNamed = false }: { text: string; label: string; isNamed?: boolean }) {
	const [isCopied, setCopied] = useState(false);
	const copy = async () => {
		await copyText(text);
		setCopied(true);
		setTimeout(() => setCopied(false), SHOWN_MS);
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

/** Browsers have no clipboard for pages over http that are not on this machine. */
export async function copyText(text: string): Promise<void> {
	if (navigator.clipboard !== undefined) return await navigator.clipboard.writeText(text);
	const area = document.createElement("textarea");
	area.value = text;
	document.body.append(area);
	area.select();
	document.execCommand("copy");
	area.remove();
}

/** Text to be run or pasted, with a button that copies it. */
export function Code({ text, label }: { text: string; label: string }) {
	return (
		<div class="code">
			{/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keyboard. */}
			<pre tabIndex={0}>{text}</pre>
			<Copy text={text} label={label} />
		</div>
	);
}
