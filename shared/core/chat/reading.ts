/** What reading a provider's 2xx body came to. */

import type { Json, JsonObject } from "../json/json.ts";
import type { Usage } from "../upstreams/failures.ts";

export type Reading =
	| { kind: "answer"; completion: JsonObject; usage: Usage | null }
	/** The provider reports a failure although its status said success: an error body, or an error event in a stream. */
	| { kind: "error"; body: Json; usage: Usage | null }
	/** It came whole, so it was paid for, but nobody can read it. Asking again would buy it twice. */
	| { kind: "unreadable"; why: string; usage: Usage | null }
	/** It stopped before its end. */
	| { kind: "cut"; why: string; usage: Usage | null };

/** For what the provider left out. */
export interface CompletionDefaults {
	id: string;
	/** Unix seconds. */
	created: number;
	model: string;
}
