/** All that is stored, as somebody sees it who gets hold of the database and the bucket. */
import { env } from "cloudflare:workers";

/** Rows as JSON, by table; objects as key, metadata and text. */
export async function dumpAll(): Promise<Record<string, string>> {
	const tables = await env.DB.prepare(
		"SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'",
	).all<{ name: string }>();
	const dump: Record<string, string> = {};
	for (const { name } of tables.results) {
		dump[name] = JSON.stringify((await env.DB.prepare(`SELECT * FROM ${name}`).all()).results);
	}
	return { ...dump, R2: await dumpBucket() };
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
