/** Something that a button or a form does: one request at a time, and the error of the last one. */
import { useState } from "preact/hooks";

export interface Action {
	isBusy: boolean;
	error: unknown;
	/** Of a form: instead of what the browser would do. */
	run(event?: Event): Promise<void>;
}

export function useAction(act: () => Promise<void>): Action {
	const [isBusy, setBusy] = useState(false);
	const [error, setError] = useState<unknown>(null);
	const run = async (event?: Event) => {
		event?.preventDefault();
		if (isBusy) return;
		setBusy(true);
		setError(null);
		try {
			await act();
		} catch (caught) {
			setError(caught);
		}
		setBusy(false);
	};
	return { isBusy, error, run };
}
