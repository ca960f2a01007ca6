/** Submits a job, and shows the request that a program would send. */
import { Play } from "lucide";
import { useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { holdfast } from "../../app/client.ts";
import { useAction } from "../../data/action.ts";
import { Button } from "../../parts/button.tsx";
import { Code } from "../../parts/copy.tsx";
import { ErrorBox } from "../../parts/error-box.tsx";
import { PageHeader } from "../../parts/page-header.tsx";
import { useIdempotencyKey } from "../../submission/idempotency-key.ts";
import { SIMULATIONS } from "../../submission/simulation.ts";
import { asCurl, bodyOf, type Draft } from "../../submission/submission.ts";
import { modelsOf, SubmissionForm, useModels, wrongField } from "../../submission/submission-form.tsx";
import "../../content/content.css";

const FIRST: Draft = { input: { messages: [{ role: "user", content: "Why is the sky blue?" }] } };

export default function NewJobPage() {
	return (
		<>
			<PageHeader title="New job" />
			<NewJobForm />
		</>
	);
}

function NewJobForm() {
	const { route } = useLocation();
	const [draft, setDraft] = useState(FIRST);
	const isSimulated = useIsSimulated(draft);
	const [simulation, setSimulation] = useState(0);
	const simulated = isSimulated ? withSimulation(draft, SIMULATIONS[simulation]?.simulate) : draft;
	const body = bodyOf(simulated);
	const idempotencyKey = useIdempotencyKey(body);
	const { isBusy, error, run } = useAction(async () => {
		const job = await holdfast.jobs.submit(body, { idempotencyKey });
		route(`/dashboard/jobs/${job.id}`);
	});
	return (
		<form class="two-columns" onSubmit={(event) => void run(event)}>
			<div>
				<SubmissionForm draft={draft} onChange={setDraft} wrong={wrongField(error)}>
					{isSimulated ? <SimulationChoice chosen={simulation} onChoose={setSimulation} /> : null}
				</SubmissionForm>
				<ErrorBox error={error} />
				<div class="submit-bar">
					<Button type="submit" kind="primary" icon={Play} isBusy={isBusy}>
						Run job
					</Button>
				</div>
			</div>
			<aside class="aside" aria-label="The same request as a command">
				<h2>The same with curl</h2>
				<Code text={asCurl(location.origin, "/v1/jobs", body)} label="Copy the command" />
			</aside>
		</form>
	);
}

const withSimulation = (draft: Draft, simulate: object | undefined): Draft =>
	simulate === undefined ? draft : { ...draft, input: { simulate, ...Object(draft.input) } };

/** Whether it is certain that the simulated provider serves the model: then the job may say how it behaves. No other provider gets to see that. */
function useIsSimulated(draft: Draft): boolean {
	const models = useModels();
	const [name = ""] = modelsOf(draft);
	// Without a name, it is the default model, which is one of them.
	const possible = models.filter(({ id }) => name === "" || id === name);
	return possible.length > 0 && possible.every(({ owned_by }) => owned_by === "simulated");
}

function SimulationChoice({ chosen, onChoose }: { chosen: number; onChoose: (index: number) => void }) {
	return (
		<fieldset class="simulation">
			<legend>The model is simulated. It…</legend>
			<div class="chips">
				{SIMULATIONS.map(({ label }, index) => (
					<Button key={label} pressed={index === chosen} onClick={() => onChoose(index)}>
						{label.toLowerCase()}
					</Button>
				))}
			</div>
		</fieldset>
	);
}
