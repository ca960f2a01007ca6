/**
 * Back leads to a list as it was left; a link leads to its newest jobs. The browser restores how far it was scrolled, because the
 * rows are kept.
 */
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

/** In the history, the state of an entry whose list was shown. Links make entries without one. */
const SHOWN = "shown";

/** Whether the reader comes back to the list at this address. */
export function useIsReturn(address: string): boolean {
	const opened = useRef<{ address: string; isReturn: boolean } | null>(null);
	if (opened.current?.address !== address) opened.current = { address, isReturn: history.state === SHOWN };
	useLayoutEffect(() => history.replaceState(SHOWN, ""), [address]);
	return opened.current.isReturn;
}

/** The row that the keyboard is at, by the address of the list. */
const rowsLeft = new Map<string, string | null>();

export const rowLeft = (address: string): string | null => rowsLeft.get(address) ?? null;

export function useKeptRow(address: string, current: string | null): void {
	useEffect(() => {
		rowsLeft.set(address, current);
	}, [address, current]);
}
