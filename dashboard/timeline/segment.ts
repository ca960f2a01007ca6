/** A stretch of the time axis in which one thing went on, or a moment. */
import type { Tone } from "../format/states.ts";
import type { Span } from "./scale.ts";

/** `wait`: nothing is done. `call`: a model call. `send`: a webhook is sent. `point`: a moment. */
export type SegmentKind = "wait" | "call" | "send" | "point";

export interface Segment extends Span {
	kind: SegmentKind;
	tone: Tone;
	/** What went on, such as "waited" or "called". */
	what: string;
	/** Of a wait, what follows its length: " before this attempt", ", now throttled". */
	detail: string;
	/** When a wait ends that is not over. */
	until: string | null;
	/** It goes on: `to` is now. */
	isOpen: boolean;
}

export function segment(kind: SegmentKind, from: number, to: number, rest: Partial<Segment> = {}): Segment {
	// Two clocks, of the database and of this page, may differ.
	return {
		kind,
		from,
		to: Math.max(from, to),
		tone: "idle",
		what: "",
		detail: "",
		until: null,
		isOpen: false,
		...rest,
	};
}
