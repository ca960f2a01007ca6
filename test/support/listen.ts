import { createServer, type RequestListener } from "node:http";

/** A server of this machine. Port 0: any that is free. */
export async function listen(port: number, answer: RequestListener): Promise<{ port: number; close(): void }> {
	const server = createServer(answer);
	// Node would close a connection that rests for five seconds, at times just when the next request goes out on it.
	server.keepAliveTimeout = 0;
	await new Promise<void>((listening) => server.listen(port, "127.0.0.1", listening));
	const address = server.address();
	if (address === null || typeof address === "string") throw new Error("the server has no port");
	return {
		port: address.port,
		close() {
			server.closeAllConnections();
			server.close();
		},
	};
}
