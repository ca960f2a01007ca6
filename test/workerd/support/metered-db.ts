/** D1, and what each piece of work costs there. */
import { env } from "cloudflare:workers";
import { Database } from "../../../shared/db/database.ts";
import { runtime } from "../../../workers/runtime.ts";
import { NOW } from "../../support/job-of.ts";
import { meteredD1 } from "./watched-d1.ts";

const meter = meteredD1(env.DB);

export const meteredDb = new Database(meter.d1, runtime, () => NOW);

/** Of what `work` asks of `meteredDb`. */
export async function costOf(work: () => Promise<unknown>) {
	meter.read();
	await work();
	return meter.read();
}
