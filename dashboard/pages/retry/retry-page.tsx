/** Runs a final job again with changes, as a new job. */
import { RotateCcw } from "lucide";
import { useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import type { Job } from "../../../client/index.ts";
import { holdfast } from "../../app/client.ts";
import { useAction } from "../../data/action.ts";
import { useResource } from "../../data/resource.ts";
import { bytes } from "../../format/numbers.ts";
import { words } from "../../format/states.ts";
import { Button, ButtonLink } from "../../parts/button.tsx";
import { ErrorBox } from "../../parts/error-box.tsx";
import { PageHeader } from "../../parts/page-header.tsx";
import { useIdempotencyKey } from "../../submission/idempotency-key.ts";
import { changedFields, type Draft, keptFields, overridesOf, submissionOf } from "../../submission/submission.ts";
import { SubmissionForm, wrongField } from "../../submission/submission-form.tsx";
import "../../content/content.css";

/** A larger prompt is used as it is stored. */
const EDITED_BYTES_MAX = 256 * 1024;

export default function RetryPage({ id }: { id: string }) {
	const { value, error, refresh } = useResource(`submission of ${id}`, async (signal) => {
		const job = await holdfast.jobs.get(id, { signal });
		const input = job.input_bytes > EDITED_BYTES_MAX ? undefined : await holdfast.jobs.input(id, { signal });
		return { job, submission: submissionOf(job, input) };
	});
	return (
		<>
			<PageHeader
				title="Edit and retry"
				above={
					<>
						<a href="/dashboard/jobs">Jobs</a> / <a href={`/dashboard/jobs/${encodeURIComponent(id)}`}>{id}</a>
					</>
				}
			/>
			<ErrorBox error={error} onRetry={() => void refresh()} />
			{value === undefined ? null : <RetryForm {...value} />}
		</>
	);
}

function RetryForm({ job, submission }: { job: Job; submission: Draft }) {
	const { route } = useLocation();
	const [draft, setDraft] = useState(submission);
	const overrides = overridesOf(submission, draft);
	const idempotencyKey = useIdempotencyKey([job.id, overrides]);
	const changed = changedFields(submission, draft);
	const kept = keptFields(submission, draft);
	const { isBusy, error, run } = useAction(async () => {
		const next = await holdfast.jobs.retry(job.id, overrides, { idempotencyKey });
		route(`/dashboard/jobs/${next.id}?tab=compare`);
	});
	const fixedInput =
		submission.input === undefined ? `The prompt has ${bytes(job.input_bytes)} and is used as it is.` : null;
	return (
		<form onSubmit={(event) => void run(event)}>
			<SubmissionForm
				draft={draft}
				onChange={setDraft}
				changed={changed}
				fixedInput={fixedInput}
				wrong={wrongField(error)}
			/>
			{kept.length === 0 ? null : (
				<p class="hint wrong">
					A retry keeps the old job's {kept.map(words).join(", ")}: give it another value instead.
				</p>
			)}
			<ErrorBox error={error} />
			<SubmitBar id={job.id} changed={changed} isBusy={isBusy} />
		</form>
	);
}

function SubmitBar({ id, changed, isBusy }: { id: string; changed: string[]; isBusy: boolean }) {
	return (
		<div class="submit-bar">
			<Button type="submit" kind="primary" icon={RotateCcw} isBusy={isBusy}>
				{changed.length === 0 ? "Retry unchanged" : "Retry with changes"}
			</Button>
			<ButtonLink href={`/dashboard/jobs/${encodeURIComponent(id)}`}>Go back</ButtonLink>
			<p class="hint" role="status">
				{changed.length === 0 ? "Nothing is changed." : `Changed: ${changed.map(words).join(", ")}.`}
			</p>
		</div>
	);
}
