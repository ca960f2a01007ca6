import type { VNode } from "preact";
import { renderToString } from "preact-render-to-string";
import { describe, expect, it } from "vitest";
import { Answer } from "../../../dashboard/content/answer.tsx";
import { countNodes, JsonTree } from "../../../dashboard/content/json-tree.tsx";
import { MarkdownPiece } from "../../../dashboard/content/markdown.tsx";
import { isInlineSafe, piecesOf, targetOf, whyPlain } from "../../../dashboard/content/markdown-source.ts";
import { Message } from "../../../dashboard/content/message.tsx";
import { textPieces } from "../../../dashboard/content/plain-text.tsx";
import { Prompt } from "../../../dashboard/content/prompt.tsx";
import { visible } from "../../../dashboard/format/visible.ts";
import { HOSTILE } from "./hostile.ts";

const markdown = (text: string) => renderToString(<MarkdownPiece source={text} />);
const shown = (node: VNode) => renderToString(node);
/** All elements and attributes of a page that could run or load something. */
const DANGEROUS =
	/<(script|img|iframe|object|embed|link|style|svg|video|audio|form|base|meta)\b|<[a-z][^<>]*\s(on\w+|src|srcset|style|action)=/i;
const linksOf = (html: string) => [...html.matchAll(/<a [^>]*href="([^"]*)"/g)].map(([, href = ""]) => href);

describe("an answer", () => {
	it.each(Object.entries(HOSTILE))("that is hostile neither runs nor loads anything: %s", (_, text) => {
		for (const html of [
			whyPlain(text) === null ? piecesOf(text).map(markdown).join("") : "",
			shown(<Message message={{ content: text }} view="raw" label="Answer" />),
			shown(<Message message={{ content: [{ type: "text", text }], refusal: text }} view="markdown" label="Answer" />),
			shown(<JsonTree value={{ [text]: text, list: [text] }} label="JSON" />),
		]) {
			expect(html).not.toMatch(DANGEROUS);
			for (const href of linksOf(html)) expect(href).toMatch(/^https?:\/\/[^@]*$/);
			expect(html).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
		}
	});

	it("is markdown with links that show where they lead, and images as links", () => {
		const html = markdown(
			"# Title\n\n**bold** [click](https://example.com/a?b=1)\n\n![alt](https://evil.test/beacon.png)\n\n- [x] done",
		);
		expect(html).toContain("<h3>Title</h3>");
		expect(html).toContain("<strong>bold</strong>");
		expect(html).toContain('rel="noopener noreferrer nofollow ugc"');
		expect(html).toContain("(https://example.com/a?b=1)");
		expect(html).toContain("Image: alt");
		expect(html).not.toContain("<img");
	});

	it("shows refusals, tool calls, and why it ended", () => {
		const call = { id: "call_1", function: { name: "get_weather", arguments: '{"city":"Oslo"}' } };
		const message = { content: null, refusal: "I cannot do that.", tool_calls: [call] };
		const html = shown(<Answer completion={{ choices: [{ message, finish_reason: "length" }] }} />);
		for (const text of ["The model refused", "I cannot do that.", "get_weather", "Oslo", "cut off at the token limit"])
			expect(html).toContain(text);
		for (const odd of [null, 1, [], {}, { choices: 1 }, { choices: [null, { message: 1 }] }])
			shown(<Answer completion={odd} />);
	});

	it("that is JSON is a tree, folded where it is large", () => {
		const list = Array.from({ length: 1_000 }, (_, index) => ({ index }));
		const html = shown(<Message message={{ content: JSON.stringify({ list }) }} view="markdown" label="Answer" />);
		expect(html).toContain("[ 1,000 items ]");
		expect(html.length).toBeLessThan(2_000);
		expect([countNodes(list, 501), countNodes({ a: [1, 2] }, 501)]).toEqual([501, 4]);
	});
});

describe("a prompt", () => {
	it("shows messages by role, attachments by size, and tools and parameters folded", () => {
		const content = [
			{ type: "text", text: "What is this?" },
			{ type: "image_url", image_url: { url: `data:image/png;base64,${"A".repeat(4_096)}` } },
			{ type: "image_url", image_url: { url: "https://example.com/cat.png" } },
		];
		const html = shown(<Prompt input={{ messages: [{ role: "user", content }], tools: [{}], temperature: 1 }} />);
		for (const text of ["<h3>user</h3>", "What is this?", "Image, image/png, 3 KiB", "1 tool", "1 parameter"])
			expect(html).toContain(text);
		expect(html).not.toMatch(DANGEROUS);
	});
});

describe("limits of what is parsed", () => {
	it("keep long and deep texts plain, and paragraphs with too many marks without emphasis", () => {
		expect(whyPlain("a".repeat(150_000))).toBeNull();
		expect(whyPlain("a".repeat(150_001))).toBe("long");
		for (const deep of [
			"> ".repeat(10_000),
			"- ".repeat(101),
			"1) ".repeat(101),
			`${" ".repeat(300)}- a`,
			`${"\t".repeat(60)}- a`,
		])
			expect(whyPlain(`x\n${deep}x`)).toBe("deep");
		expect(whyPlain("> > - a\n\n---\n\n***\n\n1. a")).toBeNull();
		expect([isInlineSafe("*a*"), isInlineSafe("_a*".repeat(400)), isInlineSafe("a".repeat(5_001))]).toEqual([
			true,
			false,
			false,
		]);
		expect(markdown("_a*".repeat(1_000))).not.toContain("<em>");
	});

	it("cut a text into pieces that together are the text, and code stays whole", () => {
		const code = `\`\`\`js\n${"const a = 1;\n\n".repeat(900)}\`\`\``;
		const text = `${"A paragraph of words.\n\n".repeat(800)}${code}\n\nEnd`;
		const pieces = piecesOf(text);
		expect(pieces.join("\n")).toBe(text);
		expect(pieces.length).toBeGreaterThan(3);
		expect(pieces.filter((piece) => piece.includes("const a"))).toHaveLength(1);
		expect(Math.max(...piecesOf("a".repeat(100_000)).map(({ length }) => length))).toBeLessThan(8_500);
		const plain = textPieces(`${"line\n".repeat(20_000)}${"x".repeat(40_000)}`);
		expect(plain.join("")).toHaveLength(140_000);
		expect(Math.max(...plain.map(({ length }) => length))).toBeLessThan(16_400);
	});

	it("let links lead to http and https alone, and show what turns text around", () => {
		const bad = [
			"javascript:alert(1)",
			"data:text/html,x",
			"//evil.test",
			"/v1/jobs",
			"https://bank.test@evil.test/",
			"http://",
			"vbscript:x",
		];
		expect(bad.map(targetOf)).toEqual(bad.map(() => null));
		expect(targetOf("HTTPS://Example.com/ä")).toBe("https://example.com/%C3%A4");
		expect(visible("a\u202eb")).toBe("a[U+202E]b");
	});
});
