/** What a sweeper works with. */
import type { Runtime } from "../../shared/core/runtime.ts";
import type { Bindings } from "../bindings.ts";

export interface Sweeper extends Bindings {
	runtime: Runtime;
}
