/** A list of the API that is read page by page: the first is read again by itself, the others on demand. */
import { useState } from "preact/hooks";
import type { Page, Pages } from "../../client/pages.ts";
import { type ResourceOptions, useResource } from "./resource.ts";

interface List<Item> {
	/** Undefined until the first page was read. Of an item on two pages, the newer one. */
	items: Item[] | undefined;
	error: unknown;
	refresh(): Promise<void>;
	/** Reads the next page. Null: there is none. */
	readMore: (() => Promise<void>) | null;
	isReadingMore: boolean;
}

/** @param key what is read: with another one, the list starts again */
export function useList<Item extends { id: string }>(
	key: string,
	read: (signal: AbortSignal) => Pages<Item>,
	options: ResourceOptions<Page<Item>> = {},
): List<Item> {
	const first = useResource<Page<Item>>(key, async (signal) => await read(signal), options);
	const [more, setMore] = useState<{ key: string; pages: Page<Item>[] }>({ key, pages: [] });
	const [isReadingMore, setReading] = useState(false);
	const [error, setError] = useState<unknown>(null);
	const rest = more.key === key ? more.pages : [];
	const last = rest.at(-1) ?? first.value;
	const readMore = async () => {
		setReading(true);
		setError(null);
		try {
			const page = await last?.nextPage();
			if (page) setMore({ key, pages: [...rest, page] });
		} catch (caught) {
			setError(caught);
		}
		setReading(false);
	};
	const all = [...(first.value?.data ?? []), ...rest.flatMap(({ data }) => data)];
	const byId = new Map(all.toReversed().map((item) => [item.id, item]));
	return {
		items: first.value === undefined ? undefined : [...byId.values()].toReversed(),
		error: first.error ?? error,
		refresh: first.refresh,
		readMore: last === undefined || last.nextAfter === null ? null : readMore,
		isReadingMore,
	};
}
