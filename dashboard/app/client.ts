/** The API, with the cookie of the session. */
import { Holdfast } from "../../client/index.ts";
import { forget } from "../data/entries.ts";

/** The operator's session and an attempt to sign in say nothing about the session of the tenant. */
const OTHER = /^\/v1\/(admin\/|session$)/;

let onSessionEnded = () => {};

/** @param listener called when the service refuses a request because the session has ended */
export function whenSessionEnds(listener: () => void): void {
	onSessionEnded = listener;
}

export const holdfast = new Holdfast({
	maxRetries: 2,
	async fetch(url, init) {
		const response = await fetch(url, init);
		const { pathname } = new URL(url);
		if (response.status === 401 && !OTHER.test(pathname)) onSessionEnded();
		if (response.ok && init.method === "DELETE") forget(pathname.split("/").at(-1) ?? "");
		return isRead(init) && response.headers.has("retry-after") ? leftToResource(response) : response;
	},
});

const isRead = ({ method, headers }: RequestInit) => method === "GET" && !new Headers(headers).has("prefer");

/** The client would wait unseen: a resource says until when the service asked to wait, and reads again then. */
function leftToResource({ body, status, headers }: Response): Response {
	return new Response(body, { status, headers: [...headers, ["x-should-retry", "false"]] });
}
