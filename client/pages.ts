/** Lists, page by page or item by item. */

interface List<Item> {
	data: Item[];
	has_more: boolean;
	last_id: string | null;
	/** Of lists whose pages may be short, or empty, and yet go on. */
	next_after?: string | null;
}

export type ReadPage<Item> = (after: string | undefined) => Promise<List<Item>>;

export class Page<Item> {
	readonly data: Item[];
	/** What the next page starts after. Null: this is the last page. */
	readonly nextAfter: string | null;
	readonly #read: ReadPage<Item>;

	constructor(list: List<Item>, read: ReadPage<Item>) {
		this.data = list.data;
		this.nextAfter = list.has_more ? (list.next_after ?? list.last_id) : null;
		this.#read = read;
	}

	/** Null: this was the last one. */
	async nextPage(): Promise<Page<Item> | null> {
		return this.nextAfter === null ? null : new Page(await this.#read(this.nextAfter), this.#read);
	}
}

/** `await` it for the first page, or iterate over the items of all pages. Nothing is sent before. */
export class Pages<Item> implements PromiseLike<Page<Item>>, AsyncIterable<Item> {
	readonly #read: ReadPage<Item>;

	constructor(read: ReadPage<Item>) {
		this.#read = read;
	}

	// biome-ignore lint/suspicious/noThenProperty: a list is its first page, to those that wait for it.
	then<Kept = Page<Item>, Caught = never>(
		onPage?: ((page: Page<Item>) => Kept | PromiseLike<Kept>) | null,
		onError?: ((error: unknown) => Caught | PromiseLike<Caught>) | null,
	): Promise<Kept | Caught> {
		return this.#first().then(onPage, onError);
	}

	async *[Symbol.asyncIterator](): AsyncGenerator<Item, void> {
		for (let page: Page<Item> | null = await this.#first(); page !== null; page = await page.nextPage()) {
			yield* page.data;
		}
	}

	async #first(): Promise<Page<Item>> {
		return new Page(await this.#read(undefined), this.#read);
	}
}
