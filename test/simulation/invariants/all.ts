/** All that must hold, whatever fails. */
import type { Simulation } from "../simulate.ts";
import { watchAttempts } from "./attempts.ts";
import { watchCalls } from "./calls.ts";
import { watchConvergence } from "./convergence.ts";
import { watchCoolDowns } from "./cool-downs.ts";
import { watchDeliveries } from "./deliveries.ts";
import { watchDisabling } from "./disabling.ts";
import { watchFence } from "./fence.ts";
import { watchLimits } from "./limits.ts";
import { watchOneEnd } from "./one-end.ts";
import { watchOwed } from "./owed.ts";
import { watchPauses } from "./pauses.ts";
import { watchRedeliveries } from "./redeliveries.ts";
import { watchDoorbells } from "./redispatches.ts";
import { watchResults } from "./results.ts";
import { watchSignatures } from "./signatures.ts";
import { watchSubmissions } from "./submissions.ts";
import { watchStory } from "./told-story.ts";

/** Watches a simulation from its beginning; what it returns is called at the end. */
export type Invariant = (simulation: Simulation) => (() => void) | undefined;

export const INVARIANTS: readonly Invariant[] = [
	watchSubmissions,
	watchOneEnd,
	watchFence,
	watchResults,
	watchCalls,
	watchCoolDowns,
	watchLimits,
	watchAttempts,
	watchOwed,
	watchDeliveries,
	watchPauses,
	watchDisabling,
	watchRedeliveries,
	watchSignatures,
	watchDoorbells,
	watchConvergence,
	watchStory,
];
