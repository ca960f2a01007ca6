/**
 * Reads from the API, shared by all that show the same: one request for each key, the last value while a newer one is read, and
 * polling only while somebody looks.
 */
import { type Signal, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ApiError } from "../../client/errors.ts";

/** Set by the `.` key, and shown in the header: nothing is read again by itself. */
export const isPaused = signal(false);

export interface ResourceOptions {
	/** How often to read again while the page is visible. Null: on demand alone. */
	pollMs?: number | null;
	/** While true, it is not polled: for a list in which something is selected. */
	isHeld?: boolean;
}

export interface Resource<Value> {
	/** Undefined until it was read once. */
	value: Value | undefined;
	/** Of the last read. The value is then that of an earlier one. */
	error: unknown;
	isLoading: boolean;
	/** Reads now. The last value is shown meanwhile. */
	refresh(): Promise<void>;
	/** Replaces the value, until it is read again. */
	set(value: Value): void;
}

interface Entry {
	state: Signal<{ value: unknown; error: unknown; isLoading: boolean }>;
	users: Set<{ read: Read; pollMs: number | null }>;
	running: { promise: Promise<void>; abort: AbortController } | null;
	timer: ReturnType<typeof setTimeout> | null;
	readAt: number;
	failures: number;
	waitUntil: number;
}

type Read = (signal: AbortSignal) => Promise<unknown>;

const BACKOFF_MS_MAX = 60_000;
/** A value this old is shown without being read again. */
const FRESH_MS = 1_000;

const entries = new Map<string, Entry>();

/** Of a signed-out session, or of one that another key begins. */
export function forgetAll(): void {
	for (const entry of entries.values()) stop(entry);
	entries.clear();
}

/** @param key what is read: the same for all that share it. Null: nothing is read yet. */
export function useResource<Value>(
	key: string | null,
	read: (signal: AbortSignal) => Promise<Value>,
	{ pollMs = null, isHeld = false }: ResourceOptions = {},
): Resource<Value> {
	const entry = entryOf(key ?? "");
	const interval = isHeld ? null : pollMs;
	useEffect(() => {
		if (key === null) return;
		const user = { read, pollMs: interval };
		entry.users.add(user);
		if (Date.now() - entry.readAt > FRESH_MS && (entry.readAt === 0 || !isHeld)) void load(entry, read);
		else schedule(entry);
		return () => {
			entry.users.delete(user);
			if (entry.users.size > 0) return schedule(entry);
			stop(entry);
		};
	}, [entry, key, interval]);
	const { value, error, isLoading } = entry.state.value;
	return {
		// Every key has one type of value.
		value: value as Value | undefined,
		error,
		isLoading,
		refresh: () => load(entry, read),
		set: (next) => {
			entry.state.value = { ...entry.state.peek(), value: next };
		},
	};
}

function entryOf(key: string): Entry {
	const known = entries.get(key);
	if (known !== undefined) return known;
	const entry: Entry = {
		state: signal({ value: undefined, error: undefined, isLoading: true }),
		users: new Set(),
		running: null,
		timer: null,
		readAt: 0,
		failures: 0,
		waitUntil: 0,
	};
	entries.set(key, entry);
	return entry;
}

/** One request at a time: those that ask meanwhile share it. */
async function load(entry: Entry, read: Read): Promise<void> {
	if (entry.running !== null) return await entry.running.promise;
	const abort = new AbortController();
	entry.running = { promise: Promise.resolve(), abort };
	entry.running.promise = readInto(entry, read, abort);
	await entry.running.promise;
}

async function readInto(entry: Entry, read: Read, abort: AbortController): Promise<void> {
	stopTimer(entry);
	entry.state.value = { ...entry.state.peek(), isLoading: true };
	try {
		const value = await read(abort.signal);
		if (abort.signal.aborted) return;
		entry.failures = 0;
		entry.waitUntil = 0;
		entry.state.value = { value, error: undefined, isLoading: false };
	} catch (error) {
		if (abort.signal.aborted) return;
		entry.failures += 1;
		entry.waitUntil = Date.now() + backoffMs(error, entry.failures);
		entry.state.value = { ...entry.state.peek(), error, isLoading: false };
	}
	entry.running = null;
	entry.readAt = Date.now();
	schedule(entry);
}

function backoffMs(error: unknown, failures: number): number {
	const asked = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
	return Math.max(asked, Math.min(BACKOFF_MS_MAX, 1_000 * 2 ** failures));
}

function schedule(entry: Entry): void {
	stopTimer(entry);
	const polled = [...entry.users].filter(({ pollMs }) => pollMs !== null);
	const [first] = polled;
	if (first === undefined || document.hidden || isPaused.peek() || entry.running !== null) return;
	const pollMs = Math.min(...polled.map(({ pollMs }) => pollMs ?? Number.POSITIVE_INFINITY));
	const dueAt = Math.max(entry.readAt + pollMs, entry.waitUntil);
	entry.timer = setTimeout(() => void load(entry, first.read), Math.max(0, dueAt - Date.now()));
}

/** The next read begins a request of its own. */
function stop(entry: Entry): void {
	stopTimer(entry);
	entry.running?.abort.abort();
	entry.running = null;
}

function stopTimer(entry: Entry): void {
	if (entry.timer !== null) clearTimeout(entry.timer);
	entry.timer = null;
}

const scheduleAll = () => {
	for (const entry of entries.values()) schedule(entry);
};

/** Called once, by the page. */
export function startPolling(): void {
	document.addEventListener("visibilitychange", scheduleAll);
	isPaused.subscribe(scheduleAll);
}
