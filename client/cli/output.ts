/** What commands print: data on stdout, all else on stderr. */
import { fitted, onOneLine, type Style, shown, type Terminal, widthOf } from "./terminal.ts";

export interface Column<Row> {
	title: string;
	of(row: Row): string;
	/** What stands there when the table would be wider than the terminal. */
	short?(row: Row): string;
	shortTitle?: string;
	/** Stands at the right. */
	isNumber?: boolean;
	/** What a narrow terminal may cut. An id is never cut. */
	isCuttable?: boolean;
	style?(row: Row): Style | undefined;
}

/** Cuttable columns stay this wide, whatever the terminal. */
const CUT_WIDTH_MIN = 8;
const GAP = "  ";

export class Output {
	readonly #stdout: Terminal;
	readonly #stderr: Terminal;
	/** One object a line, on a terminal too. */
	readonly #isJson: boolean;
	readonly #isQuiet: boolean;

	constructor(stdout: Terminal, stderr: Terminal, flags: { json?: boolean; quiet?: boolean }) {
		this.#stdout = stdout;
		this.#stderr = stderr;
		this.#isJson = flags.json === true;
		this.#isQuiet = flags.quiet === true;
	}

	/** One object: spread over lines on a terminal, on one line elsewhere. Escapes are JSON, so they change no value. */
	object(value: object): void {
		this.text(shown(this.isForPrograms ? JSON.stringify(value) : JSON.stringify(value, null, 2)));
	}

	/** A table on a terminal, also of the rows before a failure. Elsewhere one object a line, each as soon as it is there. */
	async rows<Row extends object>(rows: AsyncIterable<Row> | Iterable<Row>, columns: Column<Row>[]): Promise<void> {
		if (this.isForPrograms) {
			for await (const row of rows) this.object(row);
			return;
		}
		const all: Row[] = [];
		try {
			for await (const row of rows) all.push(row);
			if (all.length === 0) this.note("Nothing found.");
		} finally {
			if (all.length > 0) this.#table(all, columns);
		}
	}

	/** The text of an answer. In a pipe it stays as it is. */
	text(text: string): void {
		this.#stdout.write(`${text}\n`);
	}

	/** For people. */
	note(text: string): void {
		if (!this.#isQuiet) this.#stderr.write(`${text}\n`);
	}

	get isForPrograms(): boolean {
		return this.#isJson || !this.#stdout.isTTY;
	}

	#table<Row>(rows: Row[], columns: Column<Row>[]): void {
		const { cells, widths } = layout(rows, columns, this.#stdout.columns);
		for (const [index, line] of cells.entries()) {
			const row = index === 0 ? undefined : rows[index - 1];
			const last = line.findLastIndex((cell, at) => cell !== "" || at === 0);
			for (const [at, cell] of line.slice(0, last + 1).entries()) {
				const style = row === undefined ? "dim" : columns[at]?.style?.(row);
				const width = widths[at] ?? 0;
				const text = fitted(cell, width);
				const space = " ".repeat(Math.max(0, width - widthOf(text)));
				if (columns[at]?.isNumber === true) this.#stdout.write(space);
				this.#stdout.write(text, style);
				this.#stdout.write(at === last ? "\n" : columns[at]?.isNumber === true ? GAP : space + GAP);
			}
		}
	}
}

/** The cells of the head and of each row, and how wide the terminal lets each column be. */
function layout<Row>(rows: Row[], columns: Column<Row>[], available: number): { cells: string[][]; widths: number[] } {
	const cellsOf = (isShort: boolean) => [
		columns.map(({ title, shortTitle = title }) => (isShort ? shortTitle : title)),
		...rows.map((row) => columns.map(({ of, short = of }) => onOneLine((isShort ? short : of)(row)))),
	];
	const widthsOf = (cells: string[][]) =>
		columns.map((_, at) => Math.max(...cells.map((line) => widthOf(line[at] ?? ""))));
	const sum = (widths: number[]) => widths.reduce((total, width) => total + width, GAP.length * (widths.length - 1));
	let cells = cellsOf(false);
	if (sum(widthsOf(cells)) > available) cells = cellsOf(true);
	const widths = widthsOf(cells);
	while (sum(widths) > available) {
		const cuttable = widths.map((width, at) => (columns[at]?.isCuttable === true ? width : 0));
		const widest = Math.max(...cuttable);
		if (widest <= CUT_WIDTH_MIN) break;
		widths[cuttable.indexOf(widest)] = widest - 1;
	}
	return { cells, widths };
}
