/** The straightforward peer as it is; the bench makes its tables. */
import { withBenchRoutes } from "../../counted-worker.ts";
import straightforward from "./worker.ts";

export default withBenchRoutes(straightforward);
