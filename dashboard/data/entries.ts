/** What was read from the API, by its key: the last value of each read, kept for the next page that shows the same. */
import { type Signal, signal } from "@preact/signals";

export type Read = (signal: AbortSignal) => Promise<unknown>;

export interface User {
	read: Read;
	pollMs: number | null;
	isHeld: boolean;
	/** Whether a value will not change again by itself. */
	isLast(value: unknown): boolean;
}

export interface Entry {
	state: Signal<{ value: unknown; error: unknown; isLoading: boolean }>;
	users: Set<User>;
	running: { promise: Promise<void>; abort: AbortController } | null;
	timer: ReturnType<typeof setTimeout> | null;
	readAt: number;
	failures: number;
	waitUntil: number;
	/** Whether `waitUntil` is what the service asked for. */
	isAsked: boolean;
}

/** Values may be prompts and answers: of those that nothing shows, only so many stay in memory. */
const IDLE_MAX = 50;

/** Those used last are last. */
const entries = new Map<string, Entry>();

export const allEntries = (): Entry[] => [...entries.values()];

export function entryOf(key: string): Entry {
	const entry = entries.get(key) ?? newEntry();
	entries.delete(key);
	entries.set(key, entry);
	dropIdle();
	return entry;
}

/** Of a signed-out session, or of one that another key begins. */
export function forgetAll(): void {
	for (const entry of entries.values()) stop(entry);
	entries.clear();
}

/** What was read of something that is gone. */
export function forget(id: string): void {
	for (const key of entries.keys()) if (key.split(" ").includes(id)) entries.delete(key);
}

/** When it is read again by itself. Infinity: never. */
export function dueAt({ users, state, readAt, waitUntil, isAsked }: Entry): number {
	const { value } = state.peek();
	const waiting = [...users].filter(({ isHeld }) => !isHeld);
	if (waiting.length === 0) return Number.POSITIVE_INFINITY;
	// What the service asked to wait with is read then, also where it is not polled.
	if (isAsked) return waitUntil;
	const polled = waiting.filter(({ isLast }) => value === undefined || !isLast(value));
	const pollMs = Math.min(...polled.map((user) => user.pollMs ?? Number.POSITIVE_INFINITY));
	return Math.max(readAt + pollMs, waitUntil);
}

/** The next read begins a request of its own. */
export function stop(entry: Entry): void {
	stopTimer(entry);
	entry.running?.abort.abort();
	entry.running = null;
}

export function stopTimer(entry: Entry): void {
	if (entry.timer !== null) clearTimeout(entry.timer);
	entry.timer = null;
}

function dropIdle(): void {
	const idle = [...entries].filter(([, { users }]) => users.size === 0);
	for (const [key] of idle.slice(0, Math.max(0, idle.length - IDLE_MAX))) entries.delete(key);
}

function newEntry(): Entry {
	return {
		state: signal({ value: undefined, error: undefined, isLoading: true }),
		users: new Set(),
		running: null,
		timer: null,
		readAt: 0,
		failures: 0,
		waitUntil: 0,
		isAsked: false,
	};
}
