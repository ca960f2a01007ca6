/** Shows a long list bit by bit: each bit in a task of its own, so that the page answers in between. */
import { useEffect, useMemo, useState } from "preact/hooks";

/** @param split makes the bits of a text */
export function useSlices(text: string, split: (text: string) => string[]): string[] {
	const all = useMemo(() => split(text), [text, split]);
	const [shown, setShown] = useState({ all, count: 1 });
	const count = shown.all === all ? shown.count : 1;
	useEffect(() => {
		if (count >= all.length) return;
		const timer = setTimeout(() => setShown({ all, count: count + 1 }), 0);
		return () => clearTimeout(timer);
	}, [all, count]);
	return count >= all.length ? all : all.slice(0, count);
}

/** Fewer bits are always laid out. */
const LAZY_MIN = 4;
const LINE_CHARACTERS = 90;

/** The style of a bit that is laid out when it comes into sight: until then, it takes about as much room as its text will. */
export function lazyStyle(
	text: string,
	bits: number,
): { contentVisibility: string; containIntrinsicSize: string } | undefined {
	if (bits < LAZY_MIN) return undefined;
	const lines = text.split("\n").reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / LINE_CHARACTERS)), 0);
	return { contentVisibility: "auto", containIntrinsicSize: `auto ${Math.ceil(lines * 1.55)}em` };
}
