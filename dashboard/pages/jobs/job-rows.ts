/** The rows of the list: read page by page, patched every few seconds. */
import { useEffect, useState } from "preact/hooks";
import type { Job } from "../../../client/schemas.ts";
import { holdfast } from "../../app/client.ts";
import { useResource } from "../../data/resource.ts";
import { asked, type Filters } from "./filters.ts";
import { type JobPage, patched, unseen } from "./live-rows.ts";

const POLL_MS = 3_000;
const PAGE = 100;

interface Shown {
	key: string;
	rows: Job[];
	nextAfter: string | null;
	/** Whether the last page had room for more, though it was not the last: it looks at 1,000 jobs. */
	isShort: boolean;
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

/** @param isHeld while something is selected, nothing moves */
export function useJobRows(filters: Filters, isHeld: boolean): JobRows {
	const key = `jobs ${JSON.stringify(filters)}`;
	const first = useResource(key, (signal) => readPage(filters, undefined, signal), { pollMs: POLL_MS, isHeld });
	const [shown, setShown] = useState<Shown | null>(null);
	const [isReadingMore, setReading] = useState(false);
	const [error, setError] = useState<unknown>(null);
	const page = first.value;
	useEffect(() => {
		if (page === undefined) return;
		setShown((old) => {
			if (old !== null && old.key === key && old.rows.length > 0) return { ...old, rows: patched(old.rows, page) };
			return { key, rows: page.data, nextAfter: page.nextAfter, isShort: isShortPage(page) };
		});
	}, [page, key]);
	const current = shown?.key === key ? shown : null;
	const readMore = async () => {
		if (current === null || current.nextAfter === null) return;
		setReading(true);
		setError(null);
		try {
			const more = await readPage(filters, current.nextAfter);
			const rest = { nextAfter: more.nextAfter, isShort: isShortPage(more) };
			setShown((old) => (old === null ? old : { ...old, ...rest, rows: [...old.rows, ...more.data] }));
		} catch (caught) {
			setError(caught);
		}
		setReading(false);
	};
	return {
		rows: current?.rows,
		error: first.error ?? error,
		unseen: current === null || page === undefined ? [] : unseen(current.rows, page),
		showUnseen: () => page && setShown({ key, rows: page.data, nextAfter: page.nextAfter, isShort: isShortPage(page) }),
		refresh: first.refresh,
		readMore: current === null || current.nextAfter === null ? null : readMore,
		isReadingMore,
		isShort: current?.isShort ?? false,
	};
}
