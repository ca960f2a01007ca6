/** The job as a program would submit it. */
import { Check, Copy as CopyIcon } from "lucide";
import { useRef, useState } from "preact/hooks";
import type { Job } from "../../../client/index.ts";
import { holdfast } from "../../app/client.ts";
import { say } from "../../app/live-region.tsx";
import { Button } from "../../parts/button.tsx";
import { COPIED_MS, copyText } from "../../parts/copy.tsx";
import { ErrorBox } from "../../parts/error-box.tsx";
import { asCurl, asTypeScript, submissionOf } from "../../submission/submission.ts";

/** A terminal takes no more in one line. */
const INPUT_BYTES_MAX = 64 * 1024;

export function CopyAs({ job }: { job: Job }) {
	const menu = useRef<HTMLDivElement>(null);
	const [error, setError] = useState<unknown>(null);
	const [copied, setCopied] = useState<string | null>(null);
	const isLarge = job.input_bytes > INPUT_BYTES_MAX;
	const copy = async (what: string, make: (body: unknown) => string) => {
		menu.current?.hidePopover();
		try {
			const input = isLarge ? { messages: "The prompt is too large for a line." } : await holdfast.jobs.input(job.id);
			if (!(await copyText(make(submissionOf(job, input))))) return;
			say(`Copied as ${what}.`);
			setCopied(what);
			setTimeout(() => setCopied(null), COPIED_MS);
		} catch (caught) {
			setError(caught);
		}
	};
	return (
		<div class="copy-as">
			<Button icon={copied === null ? CopyIcon : Check} onClick={() => menu.current?.togglePopover()}>
				{copied === null ? "Copy as…" : `Copied as ${copied}`}
			</Button>
			<div ref={menu} popover="auto" class="menu">
				<button type="button" onClick={() => void copy("curl", (body) => asCurl(location.origin, "/v1/jobs", body))}>
					curl
				</button>
				<button type="button" onClick={() => void copy("TypeScript", (body) => asTypeScript(location.origin, body))}>
					TypeScript
				</button>
			</div>
			<ErrorBox error={error} />
		</div>
	);
}
