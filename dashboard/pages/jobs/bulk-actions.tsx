/** What can be done with the selected jobs, or with the one that the keyboard is at. */
import { Ban, RotateCcw, Trash2, X } from "lucide";
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
		act: (id) => holdfast.jobs.retry(id),
	},
	delete: {
		verb: "Delete",
		icon: Trash2,
		effect: "Input, result and history are erased. This cannot be undone.",
		isDanger: true,
		fits: isFinal,
		act: (id) => holdfast.jobs.delete(id),
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
	onDone(): void;
	onClose(): void;
}

export function ConfirmAction({ name, jobs, onDone, onClose }: ConfirmProps) {
	const { verb, effect, isDanger, act } = KINDS[name];
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
				await onEach(fit, act);
				onDone();
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

/** Throws after all were tried, if some were refused. */
async function onEach(jobs: Job[], act: (id: string) => Promise<unknown>): Promise<void> {
	const waiting = [...jobs];
	const refused: unknown[] = [];
	const work = async () => {
		for (let job = waiting.shift(); job !== undefined; job = waiting.shift())
			await act(job.id).catch((error: unknown) => refused.push(error));
	};
	await Promise.all(Array.from({ length: AT_ONCE }, work));
	if (refused.length === 0) return;
	const [first] = refused;
	const message = first instanceof Error ? first.message : String(first);
	throw new Error(`${refused.length} of ${counted(jobs.length, "job")} failed: ${message}`, { cause: first });
}
