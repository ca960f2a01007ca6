/** The rows of the list: read page by page, patched every few seconds. */
import { useRef } from "preact/hooks";
import type { Job } from "../../../client/schemas.ts";
import { holdfast } from "../../app/client.ts";
import { useAction } from "../../data/action.ts";
import { useResource } from "../../data/resource.ts";
import { asked, type Filters } from "./filters.ts";
import { type JobPage, patched, unseen } from "./live-rows.ts";

const POLL_MS = 3_000;
const PAGE = 100;

/** The value of the list's resource, so that the loaded pages are there when the reader comes back. */
interface Shown {
	rows: Job[];
	/** Of the last page that was loaded. */
	nextAfter: string | null;
	/** Whether that page had room for more, though it was not the last: it looks at 1,000 jobs. */
	isShort: boolean;
	/** The first page as it was last read. */
	newest: JobPage;
}

export interface JobRows {
	/** Undefined until the first page was read. */
	rows: Job[] | undefined;
	error: unknown;
	/** Jobs that are newer than the rows. */
	unseen: Job[];
	showUnseen(): void;
	refresh(): Promise<void>;
	/** Null: there are no more. */
	readMore: (() => Promise<void>) | null;
	isReadingMore: boolean;
	isShort: boolean;
}

async function readPage(filters: Filters, after: string | undefined, signal?: AbortSignal): Promise<JobPage> {
	const { data, nextAfter } = await holdfast.jobs.list(
		{ ...asked(filters), limit: PAGE, ...(after === undefined ? {} : { after }) },
		{ signal },
	);
	return { data, nextAfter };
}

const isShortPage = ({ data, nextAfter }: JobPage) => nextAfter !== null && data.length < PAGE;

const begun = (newest: JobPage): Shown => ({
	rows: newest.data,
	nextAfter: newest.nextAfter,
	isShort: isShortPage(newest),
	newest,
});

interface RowsOptions {
	/** While something is selected, nothing moves. */
	isHeld: boolean;
	/** Whether the reader comes back: the list goes on as it was left. Otherwise, it begins with the newest jobs. */
	isReturn: boolean;
}

export function useJobRows(filters: Filters, { isHeld, isReturn }: RowsOptions): JobRows {
	const key = `jobs ${JSON.stringify(filters)}`;
	const isBegun = useRef({ key, yes: isReturn });
	if (isBegun.current.key !== key) isBegun.current = { key, yes: isReturn };
	// A request may end after another one changed the rows.
	const latest = useRef<Shown | null>(null);
	const read = async (signal: AbortSignal): Promise<Shown> => {
		const newest = await readPage(filters, undefined, signal);
		const old = isBegun.current.yes ? latest.current : null;
		isBegun.current.yes = true;
		// While no row is there, more pages may have been read: the list goes on where they ended.
		if (old === null || (old.rows.length === 0 && newest.data.length > 0)) return begun(newest);
		return { ...old, rows: patched(old.rows, newest), newest };
	};
	const first = useResource(key, read, { pollMs: POLL_MS, isHeld });
	const { value: shown } = first;
	latest.current = shown ?? null;
	const put = (next: Shown) => {
		latest.current = next;
		first.set(next);
	};
	const more = useAction(async () => {
		if (shown === undefined || shown.nextAfter === null) return;
		const page = await readPage(filters, shown.nextAfter);
		if (latest.current === null || isBegun.current.key !== key) return;
		const { nextAfter } = page;
		put({ ...latest.current, nextAfter, isShort: isShortPage(page), rows: [...latest.current.rows, ...page.data] });
	});
	return {
		rows: shown?.rows,
		error: first.error ?? more.error,
		unseen: shown === undefined ? [] : unseen(shown.rows, shown.newest),
		showUnseen: () => shown && put(begun(shown.newest)),
		refresh: first.refresh,
		readMore: shown === undefined || shown.nextAfter === null ? null : more.run,
		isReadingMore: more.isBusy,
		isShort: shown?.isShort ?? false,
	};
}
