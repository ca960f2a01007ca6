import type { IncomingMessage } from "node:http";

/** The body of a request, as it came. Null: its sender broke off. */
export async function textOf(request: IncomingMessage): Promise<string | null> {
	const chunks: Buffer[] = [];
	try {
		for await (const chunk of request) chunks.push(chunk);
	} catch {
		return null;
	}
	return Buffer.concat(chunks).toString();
}
