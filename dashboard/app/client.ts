/** The API, with the cookie of the session. */
import { Holdfast } from "../../client/index.ts";

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
		if (response.status === 401 && !OTHER.test(new URL(url).pathname)) onSessionEnded();
		return response;
	},
});
