/** What a button could not copy, because the browser refuses the clipboard to the page. */
import { useEffect, useRef } from "preact/hooks";
import { refusedText } from "../parts/copy.tsx";
import { Dialog } from "../parts/dialog.tsx";

export function CopyByHand() {
	const text = refusedText.value;
	if (text === null) return null;
	return (
		<Dialog
			title="Copy by hand"
			onClose={() => {
				refusedText.value = null;
			}}
		>
			<div class="dialog-body">
				<p>The browser refuses the clipboard to this page. The text is selected: press Ctrl+C or ⌘C.</p>
				<Selected text={text} />
			</div>
		</Dialog>
	);
}

function Selected({ text }: { text: string }) {
	const area = useRef<HTMLTextAreaElement>(null);
	useEffect(() => area.current?.select(), []);
	return <textarea ref={area} readOnly rows={6} aria-label="Text to copy" value={text} />;
}
