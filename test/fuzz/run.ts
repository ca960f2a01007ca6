/**
 * `npm run fuzz -- --requests 100000 --seed 1`: that many requests, made from the description of the API, and what was
 * answered. One answer that breaks a rule ends the run with 1, and prints what leads to it.
 */
import { parseArgs } from "node:util";
import { describeApi } from "../support/api-description.ts";
import { fuzz } from "./fuzz.ts";
import { schemaCheck } from "./schema-check.ts";
import { SimulatedService } from "./simulated-service.ts";

const { values } = parseArgs({
	options: { requests: { type: "string", default: "10000" }, seed: { type: "string", default: "1" } },
});

const startedAt = performance.now();
const api = await describeApi();
const { requests, histogram, failure } = await fuzz({
	seed: Number(values.seed),
	requests: Number(values.requests),
	api,
	checkSchema: schemaCheck(api),
	start: () => new SimulatedService(),
});
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
const counts = [...histogram].sort(([one], [other]) => (one < other ? -1 : 1));
console.log(`${requests} requests from seed ${values.seed} in ${seconds} s`);
for (const [status, count] of counts) console.log(`${status.padStart(8)} ${count}`);
if (failure !== null) {
	console.log(`\nBROKEN: ${failure}`);
	process.exitCode = 1;
}
