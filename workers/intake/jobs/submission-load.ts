/**
 * Sheds submissions while D1 is saturated. D1 serves one transaction after the other: a submission that it takes on beyond its
 * capacity delays the settlement of jobs that were accepted before. A refused one costs it nothing.
 */
import { AppError } from "../../../shared/core/errors.ts";
import type { Runtime } from "../../../shared/core/runtime.ts";
import type { Database } from "../../../shared/db/database.ts";
import { logWarning } from "../../log.ts";

/**
 * A D1 that lets a submission wait so much longer than an idle one has more to do than it can. A longer time would let
 * submissions take the capacity that accepted jobs need to end; a shorter one would mistake a hiccup for an overload.
 */
const SATURATED_MS = 250;
/** A burst makes submissions wait as well, and is over sooner. */
const BURST_MS = 2_000;
/** A shorter time below the limit ends no overload. */
const RESPITE_MS = 1_000;
/** So long after an overload, the next one is no burst. */
const REMEMBERED_MS = 10_000;
/** While submissions are shed, one is let through this often, to see whether D1 keeps up again. */
const PROBE_EVERY_MS = 500;

const MESSAGE =
	"The service is overloaded and did nothing with this request. Repeat it in a few seconds, with the same `Idempotency-Key`.";

/** D1 holds 10 GB, and refuses every insert then. The rest is for the webhooks and results of jobs that were accepted. */
const SIZE_BYTES_MAX = 9_500_000_000;
/** While submissions are refused for it, one is let through this often, to see whether there is room again. */
const LOOK_EVERY_MS = 60_000;

const FULL = "The service's database is nearly full. Nothing was done with this request: repeat it later.";

/** Shared by the requests of an isolate: each isolate decides by what it sees itself. */
export class SubmissionLoad {
	/** When each submission in flight began, oldest first. */
	readonly #inFlight = new Set<{ startedAt: number }>();
	/** When the last submission began that D1 has responded to. */
	#respondedUntil = Number.NEGATIVE_INFINITY;
	/** When it began, and when it was last seen. */
	#saturatedSince = 0;
	#saturatedAt = Number.NEGATIVE_INFINITY;
	#shedAt = Number.NEGATIVE_INFINITY;
	#admittedAt = Number.NEGATIVE_INFINITY;
	/** By the last response of D1. */
	#sizeBytes = 0;
	/** The quickest response so far: what D1 takes when it is idle, from where this isolate runs. */
	#idleMs = Number.POSITIVE_INFINITY;

	/** Throws `overloaded` if D1 is saturated, and `storage_unavailable` if it is nearly full. */
	admit({ now }: Pick<Runtime, "now">, { sizeBytes }: Pick<Database, "sizeBytes">): void {
		const at = now();
		this.#sizeBytes = sizeBytes ?? this.#sizeBytes;
		if (this.#sizeBytes >= SIZE_BYTES_MAX && at - this.#admittedAt < LOOK_EVERY_MS) {
			throw new AppError("storage_unavailable", FULL);
		}
		if (this.#isOverloaded(at) && at - this.#admittedAt < PROBE_EVERY_MS) {
			if (at - this.#shedAt >= REMEMBERED_MS) logWarning("submissions.shed", {});
			this.#shedAt = at;
			throw new AppError("overloaded", MESSAGE);
		}
		this.#admittedAt = at;
	}

	/** Measures how long D1 takes for a submission. */
	async measure<T>(
		{ now }: Pick<Runtime, "now">,
		write: () => Promise<T>,
		db: Pick<Database, "sizeBytes">,
	): Promise<T> {
		const own = { startedAt: now() };
		this.#inFlight.add(own);
		try {
			const outcome = await write();
			this.#idleMs = Math.min(this.#idleMs, now() - own.startedAt);
			this.#sizeBytes = db.sizeBytes ?? this.#sizeBytes;
			this.#respondedUntil = Math.max(this.#respondedUntil, own.startedAt);
			return outcome;
		} finally {
			this.#inFlight.delete(own);
		}
	}

	#isOverloaded(now: number): boolean {
		if (!this.#isSaturated(now)) return false;
		if (now - this.#saturatedAt > RESPITE_MS) this.#saturatedSince = now;
		this.#saturatedAt = now;
		return now - this.#saturatedSince > BURST_MS || now - this.#shedAt < REMEMBERED_MS;
	}

	/** The oldest submission in flight waits for too long, and none that began later was quicker. */
	#isSaturated(now: number): boolean {
		const [oldest] = this.#inFlight;
		if (oldest === undefined || this.#respondedUntil > oldest.startedAt) return false;
		return now - oldest.startedAt > SATURATED_MS + Math.min(this.#idleMs, SATURATED_MS);
	}
}
