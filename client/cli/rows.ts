/** How many rows a command prints. */
export async function* first<Item>(count: number, items: AsyncIterable<Item>): AsyncGenerator<Item, void> {
	let left = count;
	for await (const item of items) {
		yield item;
		left -= 1;
		if (left === 0) return;
	}
}
