/** What this browser keeps of its user's choices. Where storage is refused, a choice lasts as long as the page. */
import { type Signal, signal } from "@preact/signals";

const PREFIX = "holdfast.";

/** A signal whose value outlives the page. @param isValid whether a stored value may be used */
export function setting<Value>(
	name: string,
	initial: Value,
	isValid: (value: unknown) => value is Value,
): Signal<Value> {
	const kept = signal(read(name, initial, isValid));
	let last = kept.peek();
	kept.subscribe((value) => {
		if (value !== last) write(name, value);
		last = value;
	});
	return kept;
}

export const oneOf =
	<Value extends string>(...values: Value[]) =>
	(value: unknown): value is Value =>
		values.some((one) => one === value);

function read<Value>(name: string, initial: Value, isValid: (value: unknown) => value is Value): Value {
	try {
		const value: unknown = JSON.parse(localStorage.getItem(PREFIX + name) ?? "null");
		return isValid(value) ? value : initial;
	} catch {
		return initial;
	}
}

function write(name: string, value: unknown): void {
	try {
		localStorage.setItem(PREFIX + name, JSON.stringify(value));
	} catch {
		// The choice is not kept.
	}
}

export const theme = setting("theme", "system", oneOf("system", "light", "dark"));
/** In which zone absolute times are shown. */
export const zone = setting("zone", "local", oneOf("local", "utc"));
/** Whether times are shown as dates instead of "5 min ago". */
export const isAbsolute = setting("absolute", false, (value) => typeof value === "boolean");
