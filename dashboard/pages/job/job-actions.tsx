/** What can be done with a job. What the key may not do, or the job's state does not allow, is not shown. */
import { Ban, Pencil, RotateCcw, Send, Trash2 } from "lucide";
import { useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import type { Job } from "../../../client/index.ts";
import { isFinal } from "../../../client/jobs.ts";
import { holdfast } from "../../app/client.ts";
import { say } from "../../app/live-region.tsx";
import { can } from "../../app/session.ts";
import { useShortcuts } from "../../app/shortcuts.ts";
import { useAction } from "../../data/action.ts";
import { Button, ButtonLink } from "../../parts/button.tsx";
import { Confirm } from "../../parts/dialog.tsx";
import { ErrorBox } from "../../parts/error-box.tsx";
import { useIdempotencyKey } from "../../submission/idempotency-key.ts";
import { CopyAs } from "./copy-as.tsx";

type Question = "cancel" | "delete" | "redeliver" | null;

export function JobActions({ job, onChanged }: { job: Job; onChanged: () => Promise<void> }) {
	const [question, ask] = useState<Question>(null);
	const { run: retry, isBusy, error } = useRetry(job);
	const isOver = isFinal(job);
	const mayWrite = can("jobs:write");
	const mayRedeliver = can("webhooks:write") && isOver && (job.deliveries?.length ?? 0) > 0;
	useJobShortcuts(job, { ask, retry });
	return (
		<>
			<CopyAs job={job} />
			{mayRedeliver ? (
				<Button icon={Send} onClick={() => ask("redeliver")}>
					Send webhooks again
				</Button>
			) : null}
			{mayWrite && isOver ? (
				<>
					<Button icon={Trash2} kind="danger" onClick={() => ask("delete")}>
						Delete
					</Button>
					<Button icon={RotateCcw} isBusy={isBusy} onClick={() => void retry()}>
						Retry
					</Button>
					<ButtonLink icon={Pencil} kind="primary" href={retryPathOf(job)}>
						Edit and retry
					</ButtonLink>
				</>
			) : null}
			{mayWrite && !isOver ? (
				<Button icon={Ban} kind="danger" onClick={() => ask("cancel")}>
					Cancel job
				</Button>
			) : null}
			<Questions job={job} question={question} onClose={() => ask(null)} onChanged={onChanged} />
			<ErrorBox error={error} />
		</>
	);
}

const retryPathOf = ({ id }: Job) => `/dashboard/jobs/${encodeURIComponent(id)}/retry`;

function useRetry(job: Job) {
	const { route } = useLocation();
	const idempotencyKey = useIdempotencyKey(job.id);
	return useAction(async () => {
		const next = await holdfast.jobs.retry(job.id, {}, { idempotencyKey });
		route(`/dashboard/jobs/${next.id}`);
	});
}

function useJobShortcuts(
	job: Job,
	{ ask, retry }: { ask: (question: Question) => void; retry: () => Promise<void> },
): void {
	const { route } = useLocation();
	const whileOpen = [{ keys: "c", label: "Cancel the job", run: () => ask("cancel") }];
	const onceFinal = [
		{ keys: "r", label: "Retry the job", run: () => void retry() },
		{ keys: "e", label: "Edit and retry", run: () => route(retryPathOf(job)) },
		{ keys: "d", label: "Delete the job", run: () => ask("delete") },
	];
	useShortcuts("This job", !can("jobs:write") ? [] : isFinal(job) ? onceFinal : whileOpen);
}

interface QuestionsProps {
	job: Job;
	question: Question;
	onClose: () => void;
	onChanged: () => Promise<void>;
}

function Questions({ job, question, onClose, onChanged }: QuestionsProps) {
	const { route } = useLocation();
	switch (question) {
		case null:
			return null;
		case "cancel": {
			const cancel = async () => {
				const { cancellation } = await holdfast.jobs.cancel(job.id);
				say(cancellation === "too_late" ? "The job had ended already." : "The job is cancelled.");
				await onChanged();
			};
			return (
				<Confirm title="Cancel this job?" action="Cancel job" isDanger onConfirm={cancel} onClose={onClose}>
					<p>It stops at once and gets no answer. A call in flight is ended and may still cost tokens.</p>
				</Confirm>
			);
		}
		case "delete": {
			const erase = async () => {
				await holdfast.jobs.delete(job.id);
				say("The job is deleted.");
				route("/dashboard/jobs", true);
			};
			return (
				<Confirm title="Delete this job?" action="Delete job" isDanger onConfirm={erase} onClose={onClose}>
					<p>Its prompt, its answer and its history are erased. Webhooks that were not sent yet are skipped.</p>
					<p>This cannot be undone.</p>
				</Confirm>
			);
		}
		case "redeliver": {
			const redeliver = async () => {
				await holdfast.jobs.redeliver(job.id);
				await onChanged();
			};
			return (
				<Confirm title="Send this job's webhooks again?" action="Send again" onConfirm={redeliver} onClose={onClose}>
					<p>Each receiver gets the same event with the same webhook-id.</p>
				</Confirm>
			);
		}
	}
}
