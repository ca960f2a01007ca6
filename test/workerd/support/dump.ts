/** All that is stored, as it can be read with access to the database and the bucket. */
import { env } from "cloudflare:workers";
import { allRows } from "./all-rows.ts";

/** Rows as JSON, by table; objects as key, metadata and text. */
export async function dumpAll(): Promise<Record<string, string>> {
	const rows = Object.entries(await allRows()).map(([table, held]) => [table, JSON.stringify(held)]);
	return { ...Object.fromEntries(rows), R2: await dumpBucket() };
}

async function dumpBucket(): Promise<string> {
	const found: string[] = [];
	for (let cursor: string | undefined, more = true; more; ) {
		const page = await env.RESULTS.list({ include: ["customMetadata"], ...(cursor === undefined ? {} : { cursor }) });
		for (const { key, customMetadata } of page.objects) {
			found.push(key, JSON.stringify(customMetadata), (await (await env.RESULTS.get(key))?.text()) ?? "");
		}
		more = page.truncated;
		cursor = page.truncated ? page.cursor : undefined;
	}
	return found.join("\n");
}

/** Where `text` stands. */
export async function placesOf(text: string): Promise<string[]> {
	return Object.entries(await dumpAll()).flatMap(([place, content]) => (content.includes(text) ? [place] : []));
}
