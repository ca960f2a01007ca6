/**
 * An answer's markdown as elements. The parser's tokens become elements here, one kind after the other: no HTML text is ever made,
 * HTML in the answer is shown as text, and nothing that the answer names is loaded.
 */
import { Lexer, type MarkedToken, type Token, type Tokens } from "marked";
import { type ComponentChildren, h } from "preact";
import { useMemo } from "preact/hooks";
import { visible } from "../format/visible.ts";
import { DEPTH_MAX, isInlineSafe, piecesOf, targetOf } from "./markdown-source.ts";
import { lazyStyle, useSlices } from "./slices.ts";

/** Shown piece by piece, so that a long answer does not block the page. */
export function Markdown({ text }: { text: string }) {
	const pieces = useSlices(text, piecesOf);
	return (
		<div class="markdown" dir="auto">
			{pieces.map((piece, index) => (
				<MarkdownPiece key={index} source={piece} style={lazyStyle(piece, pieces.length)} />
			))}
		</div>
	);
}

export function MarkdownPiece({ source, style }: { source: string; style?: ReturnType<typeof lazyStyle> }) {
	// The same elements again are not compared again.
	const shown = useMemo(() => blocks(tokensOf(source), 0), [source]);
	return (
		<div class="piece" style={style}>
			{shown}
		</div>
	);
}

function tokensOf(source: string): Token[] {
	const lexer = new Lexer({ gfm: true, breaks: true });
	lexer.blockTokens(source, lexer.tokens);
	for (const { src, tokens } of lexer.inlineQueue) {
		if (isInlineSafe(src)) lexer.inlineTokens(src, tokens);
		else tokens.push({ type: "text", raw: src, text: src });
	}
	return lexer.tokens;
}

const isKnown = (token: Token): token is MarkedToken => token.type in KNOWN;

/** Types whose tokens have the fields that this file reads. */
const KNOWN: Record<string, true> = Object.fromEntries(
	[
		...["blockquote", "br", "checkbox", "code", "codespan", "def", "del", "em", "escape", "heading", "hr", "html"],
		...["image", "link", "list", "list_item", "paragraph", "space", "strong", "table", "text"],
	].map((type) => [type, true]),
);

function blocks(tokens: Token[] | undefined, depth: number): ComponentChildren {
	return (tokens ?? []).map((token) => (depth > DEPTH_MAX ? visible(token.raw) : block(token, depth + 1)));
}

function block(token: Token, depth: number): ComponentChildren {
	if (!isKnown(token)) return visible(token.raw);
	switch (token.type) {
		case "space":
		case "def":
			return null;
		case "hr":
			return <hr />;
		case "heading":
			// Below the headings of the page.
			return h(`h${Math.min(6, token.depth + 2)}`, null, inlines(token.tokens, depth));
		case "paragraph":
			return <p>{inlines(token.tokens, depth)}</p>;
		case "blockquote":
			return <blockquote>{blocks(token.tokens, depth)}</blockquote>;
		case "code":
			return (
				<figure class="code-block">
					{token.lang ? <figcaption>{visible(token.lang)}</figcaption> : null}
					{/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keyboard. */}
					<pre tabIndex={0}>{visible(token.text)}</pre>
				</figure>
			);
		case "list":
			return h(
				token.ordered ? "ol" : "ul",
				typeof token.start === "number" && token.start !== 1 ? { start: token.start } : null,
				token.items.map((item) => <li class={item.task ? "task" : undefined}>{blocks(item.tokens, depth)}</li>),
			);
		case "table":
			return <MarkdownTable token={token} depth={depth} />;
		case "html":
			return <p class="as-text">{visible(token.raw.trim())}</p>;
		default:
			return inline(token, depth);
	}
}

function MarkdownTable({ token, depth }: { token: Tokens.Table; depth: number }) {
	const cell = (one: Tokens.TableCell) =>
		h(
			one.header ? "th" : "td",
			one.align === null ? null : { class: `align-${one.align}` },
			inlines(one.tokens, depth),
		);
	return (
		// biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keyboard.
		<div class="scroll" tabIndex={0}>
			<table>
				<thead>
					<tr>{token.header.map(cell)}</tr>
				</thead>
				<tbody>
					{token.rows.map((row) => (
						<tr>{row.map(cell)}</tr>
					))}
				</tbody>
			</table>
		</div>
	);
}

function inlines(tokens: Token[] | undefined, depth: number): ComponentChildren {
	return (tokens ?? []).map((token) => (depth > DEPTH_MAX ? visible(token.raw) : inline(token, depth + 1)));
}

function inline(token: Token, depth: number): ComponentChildren {
	if (!isKnown(token)) return visible(token.raw);
	switch (token.type) {
		case "br":
			return <br />;
		case "strong":
			return <strong>{inlines(token.tokens, depth)}</strong>;
		case "em":
			return <em>{inlines(token.tokens, depth)}</em>;
		case "del":
			return <del>{inlines(token.tokens, depth)}</del>;
		case "codespan":
			return <code>{visible(token.text)}</code>;
		case "checkbox":
			return <input type="checkbox" checked={token.checked} disabled aria-label={token.checked ? "done" : "to do"} />;
		case "link":
			return <ForeignLink href={token.href}>{inlines(token.tokens, depth)}</ForeignLink>;
		case "image":
			return <ForeignLink href={token.href}>Image: {visible(token.text || "without a description")}</ForeignLink>;
		case "escape":
			return visible(token.text);
		case "text":
			return token.tokens === undefined ? visible(token.text) : inlines(token.tokens, depth);
		default:
			return visible(token.raw);
	}
}

/** A link of an answer shows where it leads, and gives the page it leads to nothing of this one. */
export function ForeignLink({ href, children }: { href: string; children: ComponentChildren }) {
	const target = targetOf(href);
	if (target === null)
		return (
			<span class="no-link">
				{children} <span class="target">({visible(href.slice(0, 200))})</span>
			</span>
		);
	return (
		<a class="foreign" href={target} target="_blank" rel="noopener noreferrer nofollow ugc">
			{children}
			<span class="target"> ({shortened(target)})</span>
		</a>
	);
}

const TARGET_SHOWN = 60;
const shortened = (url: string) => (url.length > TARGET_SHOWN ? `${url.slice(0, TARGET_SHOWN)}…` : url);
