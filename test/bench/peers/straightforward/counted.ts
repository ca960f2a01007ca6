/** The straightforward peer, counted. */
import { countedWorker } from "../../counted-worker.ts";
import { countFetches } from "../../counting.ts";
import straightforward from "./worker.ts";

countFetches();

export default countedWorker(straightforward);
