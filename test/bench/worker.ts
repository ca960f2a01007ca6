/** The service as it is, counted. */
import service from "../../workers/index.ts";
import { countedWorker } from "./counted-worker.ts";
import { countFetches, countLogLines } from "./counting.ts";

countFetches();
countLogLines();

export default countedWorker<Env>(service);
