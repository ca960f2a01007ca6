/** The Workflow as it is. */
import { withBenchRoutes } from "../../counted-worker.ts";
import workflows from "./worker.ts";

export { JobWorkflow } from "./worker.ts";
export default withBenchRoutes(workflows);
