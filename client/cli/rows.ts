/** How many rows a command prints. */
import { InvalidArgumentError } from "commander";

export function count(text: string): number {
	if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError("Write a whole number from 1.");
	return Number(text);
}

export async function* first<Item>(count: number, items: AsyncIterable<Item>): AsyncGenerator<Item, void> {
	let left = count;
	for await (const item of items) {
		yield item;
		left -= 1;
		if (left === 0) return;
	}
}
