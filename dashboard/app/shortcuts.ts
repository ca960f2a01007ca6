/** Keys that act on the page. They do nothing in fields, with modifiers, behind a dialog, and where the browser uses them itself. */
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

export interface Shortcut {
	/** As `event.key` has it, or two after each other: "g j". */
	keys: string;
	/** What it does, for the sheet: "Open the job". */
	label: string;
	run(): void;
}

/** Of the shell, and of the page that is open: in the order in which the sheet shows them. */
export const shortcuts = signal<{ group: string; list: Shortcut[] }[]>([]);

const SEQUENCE_MS = 1_000;

/** Adds shortcuts while the component is shown. */
export function useShortcuts(group: string, list: Shortcut[]): void {
	const latest = useRef(list);
	latest.current = list;
	const keys = list.map((one) => `${one.keys} ${one.label}`).join("\n");
	useEffect(() => {
		const run = (index: number) => latest.current[index]?.run();
		const own = { group, list: latest.current.map((one, index) => ({ ...one, run: () => run(index) })) };
		shortcuts.value = [...shortcuts.peek(), own];
		return () => {
			shortcuts.value = shortcuts.peek().filter((one) => one !== own);
		};
	}, [group, keys]);
}

/** Called once, by the page. */
export function listenForShortcuts(): void {
	let first: { key: string; at: number } | null = null;
	document.addEventListener("keydown", (event) => {
		if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTaken(event)) return;
		const sequence = first !== null && event.timeStamp - first.at < SEQUENCE_MS ? `${first.key} ${event.key}` : null;
		const found = (sequence === null ? undefined : named(sequence)) ?? named(event.key);
		first = found === undefined ? { key: event.key, at: event.timeStamp } : null;
		if (found === undefined) return;
		event.preventDefault();
		found.run();
	});
}

/** The page's own come after the shell's, and win. */
const named = (keys: string) =>
	shortcuts
		.peek()
		.flatMap(({ list }) => list)
		.findLast((one) => one.keys === keys);

const FIELDS = "input:not([type=checkbox]), textarea, select, [contenteditable]";
/** What Enter and the space bar act on. */
const CONTROLS = "a, button, summary, input, textarea, select";

/** Whether the key is for what has the focus. */
function isTaken({ target, key }: KeyboardEvent): boolean {
	if (!(target instanceof Element)) return false;
	if (document.querySelector("dialog[open]") !== null) return true;
	return target.closest(key === "Enter" || key === " " ? CONTROLS : FIELDS) !== null;
}
