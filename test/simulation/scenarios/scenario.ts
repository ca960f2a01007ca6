/** A named situation under pressure: what is done to the service, and the figures that must come of it. */
import type { Options } from "../world/options.ts";
import type { Stage } from "./stage.ts";

export interface Scenario {
	/** As in `npm run simulate -- --scenario NAME`. */
	name: string;
	/** What must hold, in a sentence. */
	promise: string;
	/** Takes minutes: it is played by its name only, not with all others. */
	isLong?: boolean;
	/** What differs from a calm world with one batch of four after the other. */
	options?: Partial<Options>;
	play(stage: Stage): Promise<void>;
}

/** Something that was counted or measured, and what it must be. */
export interface Figure {
	what: string;
	value: number;
	atLeast?: number;
	atMost?: number;
}

export function holds({ value, atLeast, atMost }: Figure): boolean {
	return (
		!Number.isNaN(value) &&
		value >= (atLeast ?? Number.NEGATIVE_INFINITY) &&
		value <= (atMost ?? Number.POSITIVE_INFINITY)
	);
}
