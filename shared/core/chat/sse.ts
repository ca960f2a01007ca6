/**
 * Reads server-sent events (WHATWG HTML §9.2.6) from text that arrives in pieces of any size. It differs from the standard
 * in three points, because some providers do. An event that is still open when the stream ends is returned too: the caller
 * decides whether it is complete. JSON in a line of another field, or of none, is an event, and so is a field `error`.
 */
export interface SseEvent {
	/** Empty if the stream sent no event name. */
	event: string;
	data: string;
}

/** The empty one is a comment's. */
const FIELDS: ReadonlySet<string> = new Set(["", "data", "event", "id", "retry", "error"]);

export class SseReader {
	/** The unfinished line. Only new text is searched for a line end, so a 10 MB line costs 10 MB of work. */
	#line = "";
	#event = "";
	#data: string[] = [];
	#dataChars = 0;
	#skipsLineFeed = false;

	/** Characters held for an event that has not ended yet. */
	get pendingChars(): number {
		return this.#dataChars + this.#line.length;
	}

	push(text: string): SseEvent[] {
		const events: SseEvent[] = [];
		let from = this.#skipsLineFeed && text.startsWith("\n") ? 1 : 0;
		if (text !== "") this.#skipsLineFeed = false;
		const lineEnd = /\r\n|\r|\n/g;
		lineEnd.lastIndex = from;
		for (let match = lineEnd.exec(text); match !== null; match = lineEnd.exec(text)) {
			this.#endLine(this.#line + text.slice(from, match.index), events);
			this.#line = "";
			from = lineEnd.lastIndex;
			// A CR at the end of a piece may be half of a CRLF whose LF comes with the next piece.
			this.#skipsLineFeed = match[0] === "\r" && from === text.length;
		}
		this.#line += text.slice(from);
		return events;
	}

	/** Returns the event that is still open when the stream ends. */
	end(): SseEvent[] {
		const events: SseEvent[] = [];
		if (this.#line !== "") this.#endLine(this.#line, events);
		this.#line = "";
		this.#endLine("", events);
		return events;
	}

	#endLine(line: string, events: SseEvent[]): void {
		if (line === "") {
			if (this.#data.length > 0) events.push({ event: this.#event, data: this.#data.join("\n") });
			this.#event = "";
			this.#data = [];
			this.#dataChars = 0;
			return;
		}
		// A line that starts with a colon is a comment, which servers send to keep the connection alive.
		const colon = line.indexOf(":");
		const field = colon < 0 ? line : line.slice(0, colon);
		const value = colon < 0 ? "" : line.slice(line.startsWith(" ", colon + 1) ? colon + 2 : colon + 1);
		if (field === "event") this.#event = value;
		if (field === "error") events.push({ event: "error", data: value });
		if (!FIELDS.has(field) && /[[{]/.test(line))
			events.push({ event: "", data: line.replace(/^[\w\s-]*(?::\s*)?(?=[[{])/, "") });
		if (field !== "data") return;
		this.#data.push(value);
		this.#dataChars += value.length + 1;
	}
}
