/** What can be done with the selected jobs, or with the one that the keyboard is at. */
import { Ban, RotateCcw, Trash2, X } from "lucide";
import { useState } from "preact/hooks";
import { NotFound } from "../../../client/errors.ts";
import { isFinal } from "../../../client/jobs.ts";
import type { Job } from "../../../client/schemas.ts";
import { holdfast } from "../../app/client.ts";
import { can } from "../../app/session.ts";
import { counted } from "../../format/numbers.ts";
import { Button } from "../../parts/button.tsx";
import { Confirm } from "../../parts/dialog.tsx";

export type ActionName = "cancel" | "retry" | "delete";

interface Kind {
	verb: string;
	icon: typeof Ban;
	/** Of the confirmation. */
	effect: string;
	isDanger: boolean;
	fits(job: Job): boolean;
	act(id: string): Promise<unknown>;
}

const KINDS: Record<ActionName, Kind> = {
	cancel: {
		verb: "Cancel",
		icon: Ban,
		effect: "Calls in flight are stopped. Tokens that a model has used are still charged.",
		isDanger: true,
		fits: (job) => !isFinal(job),
		act: (id) => holdfast.jobs.cancel(id),
	},
	retry: {
		verb: "Retry",
		icon: RotateCcw,
		effect: "Each runs again as a new job, with the same input. The old job stays as it is.",
		isDanger: false,
		fits: isFinal,
		act: retryOnce,
	},
	delete: {
		verb: "Delete",
		icon: Trash2,
		effect: "Input, result and history are erased. This cannot be undone.",
		isDanger: true,
		fits: isFinal,
		act: deleteIfThere,
	},
};

export const ACTIONS: ActionName[] = ["cancel", "retry", "delete"];
/** Above it, the count is typed. */
const TYPED_ABOVE = 100;
const AT_ONCE = 6;

export const fitting = (name: ActionName, jobs: Job[]) => jobs.filter((job) => KINDS[name].fits(job));

interface BarProps {
	jobs: Job[];
	onAct(name: ActionName): void;
	onClear(): void;
}

export function SelectionBar({ jobs, onAct, onClear }: BarProps) {
	return (
		<div class="selection-bar">
			<p role="status">
				<strong>{counted(jobs.length, "job")} selected</strong> <span>Updates wait meanwhile.</span>
			</p>
			<div class="actions">
				{can("jobs:write")
					? ACTIONS.map((name) => (
							<Button
								key={name}
								icon={KINDS[name].icon}
								kind={KINDS[name].isDanger ? "danger" : "plain"}
								disabled={fitting(name, jobs).length === 0}
								onClick={() => onAct(name)}
							>
								{KINDS[name].verb}
							</Button>
						))
					: null}
				<Button kind="quiet" icon={X} label="Clear the selection" onClick={onClear} />
			</div>
		</div>
	);
}

interface ConfirmProps {
	name: ActionName;
	jobs: Job[];
	/** After each try. @param failed the jobs with which it failed: the next try is about them alone */
	onTried(failed: Job[]): void;
	onClose(): void;
}

export function ConfirmAction({ name, jobs: all, onTried, onClose }: ConfirmProps) {
	const { verb, effect, isDanger, act } = KINDS[name];
	const [jobs, setJobs] = useState(all);
	const fit = fitting(name, jobs);
	const what = counted(fit.length, "job");
	const left = jobs.length - fit.length;
	return (
		<Confirm
			title={`${verb} ${what}?`}
			action={`${verb} ${what}`}
			isDanger={isDanger}
			count={fit.length > TYPED_ABOVE ? fit.length : null}
			onConfirm={async () => {
				const { failed, error } = await onEach(fit, act);
				setJobs(failed);
				onTried(failed);
				if (error !== null) throw error;
			}}
			onClose={onClose}
		>
			<p>{effect}</p>
			{left === 0 ? null : (
				<p>
					{counted(left, "job is", "jobs are")} left out: {name === "cancel" ? "ended already" : "not ended yet"}.
				</p>
			)}
		</Confirm>
	);
}

/** The key of each retry that has not succeeded yet: its job may have been made although the response was lost. */
const retryKeys = new Map<string, string>();

async function retryOnce(id: string): Promise<void> {
	const idempotencyKey = retryKeys.get(id) ?? crypto.randomUUID();
	retryKeys.set(id, idempotencyKey);
	await holdfast.jobs.retry(id, {}, { idempotencyKey });
	retryKeys.delete(id);
}

/** A repeat may find that the first deleted the job although the response was lost. */
async function deleteIfThere(id: string): Promise<void> {
	try {
		await holdfast.jobs.delete(id);
	} catch (error) {
		if (!(error instanceof NotFound)) throw error;
	}
}

interface Tried {
	failed: Job[];
	/** How many failed, with the first failure as its cause. */
	error: Error | null;
}

async function onEach(jobs: Job[], act: (id: string) => Promise<unknown>): Promise<Tried> {
	const waiting = [...jobs];
	const failures = new Map<Job, unknown>();
	const work = async () => {
		for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
			const tried = job;
			await act(job.id).catch((error: unknown) => failures.set(tried, error));
		}
	};
	await Promise.all(Array.from({ length: AT_ONCE }, work));
	const failed = jobs.filter((job) => failures.has(job));
	const [first] = failed;
	if (first === undefined) return { failed, error: null };
	const error = new Error(`${failed.length} of ${counted(jobs.length, "job")} failed.`, { cause: failures.get(first) });
	return { failed, error };
}
