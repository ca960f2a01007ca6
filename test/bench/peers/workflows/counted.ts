/** The Workflow, counted. */
import type { WorkflowStep } from "cloudflare:workers";
import { countedWorker } from "../../counted-worker.ts";
import { countedEnv, countFetches, invocationOf } from "../../counting.ts";
import workflows, { JobWorkflow, type WorkflowsEnv } from "./worker.ts";

countFetches();

export class CountedJobWorkflow extends JobWorkflow {
	constructor(context: ExecutionContext, env: WorkflowsEnv) {
		super(context, countedEnv(env, "workflow"));
	}

	override async run(event: Parameters<JobWorkflow["run"]>[0], step: WorkflowStep) {
		return await invocationOf("workflow", () => super.run(event, step));
	}
}

export default countedWorker(workflows);
