/** How far a run is, for people: one line that is redrawn on a terminal, a line every ten seconds elsewhere. */
import type { Clock } from "../../http.ts";
import type { Terminal } from "../terminal.ts";
import type { Counts } from "./answers.ts";

const REDRAW_MS = 200;
const LINE_MS = 10_000;
const MINUTE_MS = 60_000;

export interface Figures {
	total: number;
	running: number;
	counts: Counts;
}

export class Progress {
	readonly #stderr: Terminal;
	readonly #figures: () => Figures;
	readonly #clock: Clock;
	readonly #startedAt: number;
	readonly #endedBefore: number;
	readonly #timer: ReturnType<typeof setInterval>;

	constructor(stderr: Terminal, clock: Clock, figures: () => Figures) {
		this.#stderr = stderr;
		this.#figures = figures;
		this.#clock = clock;
		this.#startedAt = clock.now();
		this.#endedBefore = figures().counts.ended;
		this.#timer = setInterval(() => this.draw(), stderr.isTTY ? REDRAW_MS : LINE_MS);
		// Nothing waits for it.
		this.#timer.unref();
	}

	/** A line that stays. */
	note(text: string): void {
		this.#stderr.redraw("");
		this.#stderr.write(`${text}\n`);
	}

	draw(): void {
		const figures = this.#figures();
		const ended = figures.counts.ended - this.#endedBefore;
		const msPerLine = (this.#clock.now() - this.#startedAt) / ended;
		const leftMs = ended === 0 ? null : msPerLine * (figures.total - figures.counts.ended);
		const text = progressText(figures, leftMs);
		if (this.#stderr.isTTY) this.#stderr.redraw(text);
		else this.#stderr.write(`${text}\n`);
	}

	/** Leaves the last figures behind. */
	end(): void {
		clearInterval(this.#timer);
		this.note(progressText(this.#figures(), null));
	}
}

/** @param leftMs null: it is not known, or nothing is left */
export function progressText({ total, running, counts }: Figures, leftMs: number | null): string {
	const [worst] = [...counts.errors].sort(([, one], [, other]) => other.count - one.count);
	return [
		`${grouped(counts.ended)}/${grouped(total)}`,
		...(counts.failed === 0 ? [] : [`${grouped(counts.failed)} failed`]),
		...(running === 0 ? [] : [`${grouped(running)} running`]),
		`${short(counts.tokens)} tokens`,
		...(leftMs === null ? [] : [leftMs < MINUTE_MS ? "<1 min" : `~${grouped(Math.round(leftMs / MINUTE_MS))} min`]),
		...(worst === undefined ? [] : [`${grouped(worst[1].count)} × ${oneLine(`${worst[0]}: ${worst[1].message}`)}`]),
	].join("  ");
}

const grouped = (count: number) => count.toLocaleString("en-US");
const oneLine = (text: string) => text.replaceAll(/\s+/g, " ");

function short(count: number): string {
	if (count < 1_000) return `${count}`;
	return count < 1_000_000 ? `${(count / 1_000).toFixed(1)} k` : `${(count / 1_000_000).toFixed(1)} M`;
}
