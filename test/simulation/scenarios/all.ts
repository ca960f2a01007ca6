/** Every scenario, in the order of a job's way. */
import { BACKLOGS } from "./backlogs.ts";
import { INPUTS } from "./inputs.ts";
import { LATENT_D1 } from "./latent-d1.ts";
import { NEIGHBOURS } from "./neighbours.ts";
import { OUTAGES } from "./outages.ts";
import { PROVIDERS } from "./providers.ts";
import { RECEIVERS } from "./receivers.ts";
import type { Scenario } from "./scenario.ts";
import { TOKENS } from "./tokens.ts";

export const SCENARIOS: readonly Scenario[] = [
	...BACKLOGS,
	...INPUTS,
	...LATENT_D1,
	...NEIGHBOURS,
	...OUTAGES,
	...PROVIDERS,
	...RECEIVERS,
	...TOKENS,
];
