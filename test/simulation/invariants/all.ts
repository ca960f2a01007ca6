/** All that must hold, whatever fails. */
import type { Simulation } from "../simulate.ts";
import { watchAcks } from "./acks.ts";
import { watchAttempts } from "./attempts.ts";
import { watchBreakers } from "./breakers.ts";
import { watchCalls } from "./calls.ts";
import { watchConvergence } from "./convergence.ts";
import { watchDeliveries } from "./deliveries.ts";
import { watchDisabling } from "./disabling.ts";
import { watchFairness } from "./fairness.ts";
import { watchFence } from "./fence.ts";
import { watchLimits } from "./limits.ts";
import { watchHistory } from "./observed-history.ts";
import { watchOneEnd } from "./one-end.ts";
import { watchOutbox } from "./outbox.ts";
import { watchPauses } from "./pauses.ts";
import { watchRedeliveries } from "./redeliveries.ts";
import { watchReleases } from "./releases.ts";
import { watchResults } from "./results.ts";
import { watchSignatures } from "./signatures.ts";
import { watchStoredBytes } from "./stored-bytes.ts";
import { watchSubmissions } from "./submissions.ts";
import { watchUsage } from "./usage.ts";
import { watchWork } from "./work.ts";

/** Watches a simulation from its beginning; what it returns is called at the end. */
type Invariant = (simulation: Simulation) => (() => void) | undefined;

/** Those that need no account of what callers did. */
export const INVARIANTS_OF_ENGINE: readonly Invariant[] = [
	watchOneEnd,
	watchFence,
	watchResults,
	watchCalls,
	watchBreakers,
	watchReleases,
	watchLimits,
	watchStoredBytes,
	watchUsage,
	watchAttempts,
	watchOutbox,
	watchDeliveries,
	watchPauses,
	watchDisabling,
	watchRedeliveries,
	watchSignatures,
	watchAcks,
];

export const INVARIANTS: readonly Invariant[] = [
	watchSubmissions,
	watchWork,
	watchFairness,
	...INVARIANTS_OF_ENGINE,
	watchConvergence,
	watchHistory,
];
