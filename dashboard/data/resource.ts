/**
 * Reads from the API, shared by all that show the same: one request for each key, the last value while a newer one is read, and
 * polling only while somebody looks.
 */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ApiError, NotFound } from "../../client/errors.ts";
import { allEntries, dueAt, type Entry, entryOf, type Read, stop, stopTimer } from "./entries.ts";

/** Set by the `.` key, and shown in the header: nothing is read again by itself. */
export const isPaused = signal(false);

/** Until when the service asked to wait with what is shown. Null: it did not. */
export const askedToWaitUntil = signal<number | null>(null);

export interface ResourceOptions<Value> {
	/** How often to read again while the page is visible. Null: on demand alone. */
	pollMs?: number | null;
	/** While true, it is not polled: for a list in which something is selected. */
	isHeld?: boolean;
	/** Whether a value will not change again by itself: it is not polled then. */
	isLast?: (value: Value) => boolean;
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

const BACKOFF_MS_MAX = 60_000;
/** A value this old is shown without being read again. */
const FRESH_MS = 1_000;

/** @param key what is read: the same for all that share it. Null: nothing is read yet. */
export function useResource<Value>(
	key: string | null,
	read: (signal: AbortSignal) => Promise<Value>,
	{ pollMs = null, isHeld = false, isLast = () => false }: ResourceOptions<Value> = {},
): Resource<Value> {
	const entry = entryOf(key ?? "");
	useEffect(() => {
		if (key === null) return;
		// Every key has one type of value.
		const user = { read, pollMs, isHeld, isLast: (value: unknown) => isLast(value as Value) };
		entry.users.add(user);
		if (Date.now() - entry.readAt > FRESH_MS && (entry.readAt === 0 || !isHeld)) void load(entry, read);
		else schedule(entry);
		return () => {
			entry.users.delete(user);
			if (entry.users.size > 0) return schedule(entry);
			stop(entry);
			sayWaits();
		};
	}, [entry, key, pollMs, isHeld]);
	const { value, error, isLoading } = entry.state.value;
	return {
		value: value as Value | undefined,
		error,
		isLoading,
		refresh: () => load(entry, read),
		set: (next) => {
			entry.state.value = { ...entry.state.peek(), value: next };
		},
	};
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
		entry.isAsked = false;
		entry.state.value = { value, error: undefined, isLoading: false };
	} catch (error) {
		if (abort.signal.aborted) return;
		entry.failures += 1;
		const askedMs = error instanceof ApiError ? error.retryAfterMs : null;
		entry.waitUntil = Date.now() + Math.max(askedMs ?? 0, Math.min(BACKOFF_MS_MAX, 1_000 * 2 ** entry.failures));
		entry.isAsked = askedMs !== null;
		// What is gone is not shown from memory.
		const value = error instanceof NotFound ? undefined : entry.state.peek().value;
		entry.state.value = { value, error, isLoading: false };
	}
	entry.running = null;
	entry.readAt = Date.now();
	sayWaits();
	schedule(entry);
}

function schedule(entry: Entry): void {
	stopTimer(entry);
	const [first] = entry.users;
	const at = dueAt(entry);
	if (first === undefined || document.hidden || isPaused.peek() || entry.running !== null) return;
	if (at === Number.POSITIVE_INFINITY) return;
	entry.timer = setTimeout(() => void load(entry, first.read), Math.max(0, at - Date.now()));
}

function sayWaits(): void {
	const waits = allEntries().filter(({ isAsked, users }) => isAsked && users.size > 0);
	askedToWaitUntil.value = waits.length === 0 ? null : Math.max(...waits.map(({ waitUntil }) => waitUntil));
}

const scheduleAll = () => {
	for (const entry of allEntries()) schedule(entry);
};

/** Called once, by the page. */
export function startPolling(): void {
	document.addEventListener("visibilitychange", scheduleAll);
	isPaused.subscribe(scheduleAll);
}
