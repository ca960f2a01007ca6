/** The service as it is, counted. */
import service from "../../workers/index.ts";
import { countedWorker } from "./counted-worker.ts";
import { countFetches } from "./counting.ts";

countFetches();

export default countedWorker<Env>(service);
