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
