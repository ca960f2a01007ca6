/** Who is signed in, and what that key may do. The server checks every request itself: here, scopes only hide what would be refused. */
import { signal } from "@preact/signals";
import { Unauthorized } from "../../client/index.ts";
import type { Session } from "../../client/schemas.ts";
import { forgetAll } from "../data/entries.ts";
import { holdfast, whenSessionEnds } from "./client.ts";

export type SessionState =
	| { is: "unknown" }
	/** The error is that of a link that should have signed in. */
	| { is: "signed out"; why: "new" | "ended" | "left"; error?: unknown }
	| { is: "unreachable"; error: unknown }
	| { is: "signed in"; session: Session };

/** All tabs have one cookie: where one signs in or out, the others ask again who is signed in. */
const otherTabs = new BroadcastChannel("holdfast session");

export const sessionState = signal<SessionState>({ is: "unknown" });

/** Whether the key has this scope. */
export function can(scope: string): boolean {
	const state = sessionState.value;
	return state.is === "signed in" && state.session.key.scopes.includes(scope);
}

/** Whether the key can change nothing. */
export const isReadOnly = () => !["jobs:write", "webhooks:write", "keys:manage"].some(can);

/** Throws what the service responds to a key that it refuses. */
export async function signIn(key: string): Promise<void> {
	const session = await holdfast.signIn(key);
	otherTabs.postMessage(null);
	forgetAll();
	sessionState.value = { is: "signed in", session };
}

/** Of the tenant's session and of the operator's: the next person at this browser is neither. */
export async function signOut(): Promise<void> {
	await holdfast.admin.signOut();
	await holdfast.signOut();
	otherTabs.postMessage(null);
	end("left");
}

function end(why: "new" | "ended" | "left", error?: unknown): void {
	forgetAll();
	sessionState.value = { is: "signed out", why, error };
}

export async function startSession(): Promise<void> {
	whenSessionEnds(() => {
		if (sessionState.peek().is === "signed in") end("ended");
	});
	otherTabs.onmessage = () => {
		forgetAll();
		void findSession();
	};
	addEventListener("hashchange", () => void signInByLink());
	if (!(await signInByLink())) await findSession();
}

export async function findSession(): Promise<void> {
	try {
		sessionState.value = { is: "signed in", session: await holdfast.session() };
	} catch (error) {
		if (error instanceof Unauthorized) end("new");
		else sessionState.value = { is: "unreachable", error };
	}
}

/**
 * The link that `npm start` prints has the key in its fragment, which no request has. It counts on this machine alone: elsewhere, anybody
 * could send a link that signs its reader in as another tenant. Returns whether there was one.
 */
async function signInByLink(): Promise<boolean> {
	const key = /^#key=(.+)$/.exec(location.hash)?.[1];
	if (key === undefined) return false;
	history.replaceState(null, "", location.pathname + location.search);
	if (!/^(localhost|127\.0\.0\.1|\[::1\])$/.test(location.hostname)) return false;
	try {
		await signIn(decodeURIComponent(key));
	} catch (error) {
		end("new", error);
	}
	return true;
}
