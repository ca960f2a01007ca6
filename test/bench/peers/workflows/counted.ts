/** The Workflow, counted. */
import type { WorkflowStep } from "cloudflare:workers";
import { standIn } from "../../../workerd/support/watched-d1.ts";
import { countedWorker } from "../../counted-worker.ts";
import { accountOf, countedEnv, countFetches, countLogLines, invocationOf } from "../../counting.ts";
import workflows, { JobWorkflow as Workflow, type WorkflowsEnv } from "./worker.ts";

countFetches();
countLogLines();

export class JobWorkflow extends Workflow {
	constructor(context: ExecutionContext, env: WorkflowsEnv) {
		super(context, countedEnv(env, "workflow"));
	}

	override async run(event: Parameters<Workflow["run"]>[0], step: WorkflowStep) {
		const counted = standIn(step, {
			do: (...params: unknown[]) => {
				accountOf("workflow").spent.workflowSteps += 1;
				return Reflect.apply(step.do, step, params);
			},
		});
		return await invocationOf("workflow", () => super.run(event, counted));
	}
}

export default countedWorker(workflows);
