import { createServer } from "node:net";

/** Any free port. */
export async function freePort(): Promise<number> {
	const port = await listenOnce(0);
	if (port === null) throw new Error("this machine has no free port");
	return port;
}

/**
 * The first from `first` on. For a service that comes and goes on its port: one of the system's choosing would meanwhile
 * be given to an outgoing connection.
 */
export async function freePortFrom(first: number): Promise<number> {
	for (let port = first; port < first + 1_000; port++) if ((await listenOnce(port)) !== null) return port;
	throw new Error(`a thousand ports from ${first} on are taken`);
}

async function listenOnce(port: number): Promise<number | null> {
	const server = createServer();
	try {
		await new Promise<void>((listening, failed) => {
			server.once("error", failed).listen(port, "127.0.0.1", listening);
		});
	} catch {
		// Taken by another process.
		return null;
	}
	const address = server.address();
	await new Promise((closed) => server.close(closed));
	return address === null || typeof address === "string" ? null : address.port;
}
