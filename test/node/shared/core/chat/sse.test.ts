import { describe, expect, it } from "vitest";
import { SseReader } from "../../../../../shared/core/chat/sse.ts";

function eventsOf(...pieces: string[]) {
	const reader = new SseReader();
	return [...pieces.flatMap((piece) => reader.push(piece)), ...reader.end()];
}
const data = (text: string) => ({ event: "", data: text });

describe("SseReader", () => {
	it.each([
		["\n", "LF"],
		["\r\n", "CRLF"],
		["\r", "CR"],
	])("ends lines at %j (%s)", (end) => {
		const text = [`event: a`, `data: 1`, ``, `data: 2`, ``, ``].join(end);
		expect(eventsOf(text)).toEqual([{ event: "a", data: "1" }, data("2")]);
	});

	it("takes a CRLF that is split between two pieces for one line end", () => {
		expect(eventsOf("data: 1\r", "\ndata: 2\r", "\n\r", "\n")).toEqual([data("1\n2")]);
	});

	it("joins the data lines of one event", () => {
		expect(eventsOf("data: a\ndata:\ndata:  b\n\n")).toEqual([data("a\n\n b")]);
	});

	it("passes over comments, unknown fields and events without data", () => {
		expect(eventsOf(": keep-alive\n\nid: 1\nretry: 5\n\nevent: ping\n\ndata: 1\n\n")).toEqual([data("1")]);
	});

	it("hands out an event whose last blank line is missing", () => {
		expect(eventsOf("data: 1\n\ndata: [DONE]")).toEqual([data("1"), data("[DONE]")]);
	});

	it("looks for JSON behind an unknown field in time that grows with the line's length alone", () => {
		expect(eventsOf("note: {}\n")).toEqual([data("{}")]);
		const line = `${" ".repeat(200_000)}x"[`;
		expect(eventsOf(line)).toEqual([data(line)]);
	});

	it("reads a line of 10 MB that comes in small pieces in time that grows with its length alone", () => {
		const piece = "x".repeat(1000);
		const [event] = eventsOf("data: ", ...Array.from({ length: 10_000 }, () => piece), "\n\n");
		expect(event?.data.length).toBe(10_000_000);
	});
});
