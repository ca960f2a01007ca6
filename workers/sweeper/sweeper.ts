/** What a sweeper works with. */
import type { Runtime } from "../../shared/core/runtime.ts";
import type { Bindings } from "../bindings.ts";

export interface Sweeper extends Bindings {
	runtime: Runtime;
	/** The first seals what is new. None where the configuration is broken: sweeping goes on without. */
	signingKeys: string[];
}
