/** Where each list was left: Back leads there, and a link to the list's beginning. */
import { useLayoutEffect, useRef } from "preact/hooks";

interface Place {
	scrollY: number;
	/** The row that the keyboard was at. */
	current: string | null;
}

/** By the address of the list. */
const places = new Map<string, Place>();
/** In the history, the state of an entry whose list was shown. Links make entries without one. */
const SHOWN = "shown";

/** The place to return to. Null: the list begins with its newest jobs. */
export function usePlace(address: string): Place | null {
	const opened = useRef<{ address: string; place: Place | null } | null>(null);
	if (opened.current?.address !== address) {
		const place = history.state === SHOWN ? (places.get(address) ?? null) : null;
		opened.current = { address, place };
	}
	useLayoutEffect(() => history.replaceState(SHOWN, ""), [address]);
	return opened.current.place;
}

/** Keeps the place while the list is shown, and goes back to `place` as soon as its rows are there. */
export function useKeptPlace(address: string, place: Place | null, hasRows: boolean, current: string | null): void {
	useLayoutEffect(() => {
		const keep = () => places.set(address, { scrollY, current });
		keep();
		addEventListener("scroll", keep, { passive: true });
		return () => {
			removeEventListener("scroll", keep);
		};
	}, [address, current]);
	useLayoutEffect(() => {
		if (hasRows && place !== null) scrollTo(0, place.scrollY);
	}, [place, hasRows]);
}
