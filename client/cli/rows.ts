/** How many rows a command prints, and what is in their cells. */
export async function* first<Item>(count: number, items: AsyncIterable<Item>): AsyncGenerator<Item, void> {
	let left = count;
	for await (const item of items) {
		yield item;
		left -= 1;
		if (left === 0) return;
	}
}

/** A time as a cell, without fractions of a second. */
export function timeOf(iso: string | null | undefined): string {
	return iso == null ? "" : iso.replace(/\.\d+Z$/, "Z");
}

const UNITS: [seconds: number, unit: string][] = [
	[86_400, "d"],
	[3_600, "h"],
	[60, "m"],
];

/** How long ago it was, or with a plus how far ahead it is: `5m`, `+2d`. */
export function ageOf(iso: string | null | undefined): string {
	if (iso == null) return "";
	const seconds = Math.round((Date.now() - Date.parse(iso)) / 1_000);
	const distance = Math.abs(seconds);
	const [size, unit] = UNITS.find(([size]) => distance >= size) ?? [1, "s"];
	return `${seconds < 0 ? "+" : ""}${Math.floor(distance / size)}${unit}`;
}
