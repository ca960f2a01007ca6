/**
 * A stored input or result. A small one is read whole. Of a large one the first part is read and shown as text, and the rest on
 * demand; one that would hold up the page is a download.
 */
import { Download } from "lucide";
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { holdfast } from "../app/client.ts";
import { useResource } from "../data/resource.ts";
import { bytes } from "../format/numbers.ts";
import { Button } from "../parts/button.tsx";
import { ErrorBox } from "../parts/error-box.tsx";
import { Icon } from "../parts/icon.tsx";
import { PlainText } from "./plain-text.tsx";

const SMALL = 256 * 1024;
const FIRST_PART = 64 * 1024;
export const SHOWN_MAX = 2 * 1024 * 1024;

interface StoredProps {
	id: string;
	what: "input" | "result";
	size: number;
	/** Shows the whole. */
	children: (value: unknown) => ComponentChildren;
}

export function Stored({ id, what, size, children }: StoredProps) {
	const [isWhole, setWhole] = useState(size <= SMALL);
	const part = isWhole ? size : FIRST_PART;
	const { value, error, refresh } = useResource(`${what} ${id} ${part}`, async (signal) => {
		const { text } = await holdfast.jobs.excerpt(id, what, part, { signal });
		return isWhole ? { text, json: JSON.parse(text) } : { text };
	});
	if (error !== undefined) return <ErrorBox error={error} onRetry={() => void refresh()} />;
	if (value === undefined) return <p class="hint">Loading {bytes(part)}…</p>;
	if ("json" in value) return <>{children(value.json)}</>;
	return (
		<>
			<div class="excerpt-bar">
				<p>
					The first {bytes(FIRST_PART)} of {bytes(size)}.
				</p>
				{size > SHOWN_MAX ? null : <Button onClick={() => setWhole(true)}>Load all {bytes(size)}</Button>}
				<a class="button plain" href={`/v1/jobs/${encodeURIComponent(id)}/${what}`} download={`${id}.${what}.json`}>
					<Icon of={Download} /> Download
				</a>
			</div>
			<PlainText text={value.text} label={`First part of the ${what}`} />
		</>
	);
}
