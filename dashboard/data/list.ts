/** A list of the API that is read page by page: the first is read again by itself, the others on demand. */
import { useState } from "preact/hooks";
import type { Page, Pages } from "../../client/pages.ts";
import { useAction } from "./action.ts";
import { type ResourceOptions, useResource } from "./resource.ts";

interface List<Item> {
	/** Undefined until the first page was read. */
	items: Item[] | undefined;
	error: unknown;
	refresh(): Promise<void>;
	/** Reads the next page. Null: there is none. */
	readMore: (() => Promise<void>) | null;
	isReadingMore: boolean;
}

/** What was there when the last page was read: all items of it and of the pages before. */
interface Loaded<Item> {
	key: string;
	items: Item[];
	last: Page<Item>;
}

/**
 * The first page as it is now, and what it does not reach of the items that were loaded: those that newer ones pushed off it among
 * them. Ids increase with time, and lists begin with the newest.
 */
export function joined<Item extends { id: string }>(
	{ data, nextAfter }: Pick<Page<Item>, "data" | "nextAfter">,
	loaded: Item[],
): Item[] {
	const shown = new Set(data.map(({ id }) => id));
	return [...data, ...loaded.filter(({ id }) => nextAfter !== null && id <= nextAfter && !shown.has(id))];
}

/** @param key what is read: with another one, the list starts again */
export function useList<Item extends { id: string }>(
	key: string,
	read: (signal: AbortSignal) => Pages<Item>,
	options: ResourceOptions<Page<Item>> = {},
): List<Item> {
	const first = useResource<Page<Item>>(key, async (signal) => await read(signal), options);
	const [more, setMore] = useState<Loaded<Item> | null>(null);
	const loaded = more?.key === key ? more : null;
	const last = loaded?.last ?? first.value;
	const items = first.value === undefined ? undefined : joined(first.value, loaded?.items ?? []);
	const reading = useAction(async () => {
		const page = await last?.nextPage();
		if (page && items !== undefined) setMore({ key, items: [...items, ...page.data], last: page });
	});
	return {
		items,
		error: first.error ?? reading.error,
		refresh: first.refresh,
		readMore: last === undefined || last.nextAfter === null ? null : reading.run,
		isReadingMore: reading.isBusy,
	};
}
