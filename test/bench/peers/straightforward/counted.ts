/** The straightforward peer, counted. */
import { countedWorker } from "../../counted-worker.ts";
import { countFetches, countLogLines } from "../../counting.ts";
import straightforward from "./worker.ts";

countFetches();
countLogLines();

export default countedWorker(straightforward);
