/** Loaded into a deployment (node --import): workers.dev is the stand-in, and no other host beyond this machine is reached. */
const { fetch: realFetch } = globalThis;

globalThis.fetch = (input, init) => {
	const url = new URL(input instanceof Request ? input.url : input);
	const worker = /^([a-z0-9-]+)\.acme\.workers\.dev$/.exec(url.hostname)?.[1];
	const standIn = `http://127.0.0.1:${process.env.STAND_IN_PORT}/worker/${worker}`;
	if (worker !== undefined) return realFetch(standIn + url.pathname, init);
	if (url.hostname !== "127.0.0.1") throw new TypeError(`a test must not reach ${url.hostname}`);
	return realFetch(input, init);
};
