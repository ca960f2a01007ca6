/** A job with its history, live: the service holds a request until the job changes, and the history is read again then. */
import { useEffect, useRef, useState } from "preact/hooks";
import { type Job, NotFound } from "../../../client/index.ts";
import { isFinal } from "../../../client/jobs.ts";
import { holdfast } from "../../app/client.ts";
import { can } from "../../app/session.ts";
import { isPaused, type Resource, useResource } from "../../data/resource.ts";

/** Deliveries change without a new version of their job. */
const DELIVERIES_POLL_MS = 2_000;
const AFTER_ERROR_MS = 5_000;

export function useJob(id: string): Resource<Job> {
	const include = can("webhooks:read") ? (["attempts", "deliveries"] as const) : (["attempts"] as const);
	const isSending = (job: Job | undefined) => job?.deliveries?.some(({ status }) => status === "pending") ?? false;
	const read = (signal: AbortSignal) => holdfast.jobs.get(id, { include: [...include], signal });
	const resource = useResource(`job ${id}`, read);
	const { value, refresh, set } = resource;
	// What is watched for outlives the render that began it.
	const latest = useRef(value);
	latest.current = value;
	useResource(isSending(value) ? `deliveries of ${id}` : null, async () => await refresh(), {
		pollMs: DELIVERIES_POLL_MS,
	});
	const isOpen = value !== undefined && !isFinal(value);
	const isWatched = isOpen && !isPaused.value;
	useEffect(() => {
		if (!isWatched) return;
		return watchVisible(id, async (job) => {
			if (job.version === latest.current?.version) return;
			set({ ...latest.current, ...job });
			await refresh();
		});
	}, [id, isWatched]);
	return resource;
}

const FRAME_MS = 200;

/** The time, more often than other pages need it: bars grow with it. */
export function useNow(isLive: boolean): number {
	const [, redraw] = useState(0);
	useEffect(() => {
		if (!isLive) return;
		const timer = setInterval(() => document.hidden || redraw(Date.now()), FRAME_MS);
		return () => clearInterval(timer);
	}, [isLive]);
	return Date.now();
}

/** Watches while the page is visible. Returns what ends it. */
function watchVisible(id: string, onChange: (job: Job) => Promise<void>): () => void {
	let watching: AbortController | null = null;
	const update = () => {
		if (document.hidden) {
			watching?.abort();
			watching = null;
		} else if (watching === null) {
			watching = new AbortController();
			void watch(id, watching.signal, onChange);
		}
	};
	update();
	document.addEventListener("visibilitychange", update);
	return () => {
		document.removeEventListener("visibilitychange", update);
		watching?.abort();
	};
}

async function watch(id: string, signal: AbortSignal, onChange: (job: Job) => Promise<void>): Promise<void> {
	while (!signal.aborted) {
		try {
			for await (const job of holdfast.jobs.watch(id, { signal })) await onChange(job);
			return;
		} catch (error) {
			if (signal.aborted || error instanceof NotFound) return;
			await new Promise((resolve) => setTimeout(resolve, AFTER_ERROR_MS));
		}
	}
}
