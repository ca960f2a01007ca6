/** So many at once, that the service is busy and not flooded. */
const LINES = 6;

export async function sideBySide<T>(
	items: readonly T[],
	work: (item: T, line: number) => Promise<void>,
): Promise<void> {
	const left = [...items];
	await Promise.all(
		Array.from({ length: LINES }, async (_, line) => {
			for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item, line);
		}),
	);
}
