/** When a delivery is tried next. One that is due waits for its turn, or for its receiver to recover. */
import { now } from "../data/clock.ts";
import { Time } from "./time.tsx";

export function NextTry({ at }: { at: string | null }) {
	return at !== null && Date.parse(at) <= now.value ? <span class="soft">waiting</span> : <Time at={at} />;
}
