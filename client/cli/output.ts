/** What commands print: data on stdout, all else on stderr. Text of others cannot command the terminal. */

/** Where a command's output goes. */
export interface Stream {
	write(text: string): void;
	isTTY?: boolean | undefined;
}

export interface Column<Row> {
	title: string;
	of(row: Row): string;
}

export class Output {
	readonly #stdout: Stream;
	readonly #stderr: Stream;
	/** One object a line, on a terminal too. */
	readonly #isJson: boolean;

	constructor(stdout: Stream, stderr: Stream, isJson: boolean) {
		this.#stdout = stdout;
		this.#stderr = stderr;
		this.#isJson = isJson;
	}

	/** One object: spread over lines on a terminal, on one line elsewhere. */
	object(value: object): void {
		this.#line(this.#isForPrograms ? JSON.stringify(value) : JSON.stringify(value, null, 2));
	}

	/** A table on a terminal, one object a line elsewhere. */
	async rows<Row extends object>(rows: AsyncIterable<Row>, columns: Column<Row>[]): Promise<void> {
		if (this.#isForPrograms) {
			for await (const row of rows) this.object(row);
			return;
		}
		const cells: string[][] = [columns.map(({ title }) => title)];
		for await (const row of rows) cells.push(columns.map(({ of }) => onOneLine(of(row))));
		const widths = columns.map((_, at) => Math.max(...cells.map((line) => line[at]?.length ?? 0)));
		for (const line of cells)
			this.#line(
				line
					.map((cell, at) => cell.padEnd(widths[at] ?? 0))
					.join("  ")
					.trimEnd(),
			);
	}

	/** The text of an answer. In a pipe it stays as it is. */
	text(text: string): void {
		this.#line(text);
	}

	/** For people. */
	note(text: string): void {
		this.#stderr.write(`${shown(text)}\n`);
	}

	get #isForPrograms(): boolean {
		return this.#isJson || this.#stdout.isTTY !== true;
	}

	#line(text: string): void {
		this.#stdout.write(`${this.#stdout.isTTY === true ? shown(text) : text}\n`);
	}
}

function onOneLine(text: string): string {
	return shown(text).replaceAll("\n", "\\n").replaceAll("\t", "\\t");
}

/** Characters that a terminal would obey, or that change the order of text, as their escapes. */
export function shown(text: string): string {
	return text.replaceAll(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, (found) =>
		found === "\n" || found === "\t" ? found : `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
	);
}
