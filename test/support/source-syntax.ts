/** What a TypeScript file says, read from its syntax tree, so that comments and strings are never taken for code. */
import { parseAst } from "vitest/node";

export interface Found {
	/** The name, the specifier or the text that was found. */
	what: string;
	line: number;
}

interface SourceFacts {
	/** Module specifiers of imports, re-exports, dynamic imports and import types. */
	imports: Found[];
	/** Names that are read as values: `fetch` of `fetch(url)`, but neither of `runtime.fetch(url)` nor of a type. */
	values: Found[];
	/** `Date.now` of `Date.now()`: a member read from a plain name. */
	members: Found[];
	/** `ack` of `message.ack()`. */
	methodCalls: Found[];
	/** Of calls to D1, `db.all("list jobs", …)`: the name; empty where it is no string. */
	callNames: Found[];
	/** `Date` of `Date()` and `new Date()`. */
	callsWithoutArguments: Found[];
	/** Every identifier, in types too. */
	identifiers: Found[];
	/** String literals and the fixed parts of templates; module specifiers are not among them. */
	strings: Found[];
	/** Each function's first line, and in `what` how many lines it has. */
	functionLengths: Found[];
	/** Whether the file does nothing but hand on what other files export. */
	isBarrel: boolean;
}

interface SyntaxNode {
	type: string;
	start: number;
	end: number;
	[child: string]: unknown;
}

/** Where a node hangs in the tree. */
interface Place {
	node: SyntaxNode;
	parent: SyntaxNode | null;
	childName: string;
	inType: boolean;
}

const factsByText = new Map<string, SourceFacts>();

/** Throws where the text is no TypeScript. */
export function factsOf(text: string): SourceFacts {
	const facts = factsByText.get(text) ?? readFacts(text);
	factsByText.set(text, facts);
	return facts;
}

/** `<T>` is a type in one language and an element in the other. */
function parsed(text: string) {
	try {
		return parseAst(text, { lang: "ts" });
	} catch {
		return parseAst(text, { lang: "tsx" });
	}
}

function readFacts(text: string): SourceFacts {
	const places = placesIn(parsed(text));
	const lineAt = (offset: number) => text.slice(0, offset).split("\n").length;
	const collect = (read: (place: Place) => unknown): Found[] =>
		places.flatMap((place) => {
			const what = read(place);
			return typeof what === "string" ? [{ what, line: lineAt(place.node.start) }] : [];
		});
	const statements = places.filter(({ parent }) => parent?.type === "Program");
	return {
		imports: collect((place) => (isSpecifier(place) ? place.node.value : null)),
		values: collect((place) => (isValue(place) ? place.node.name : null)),
		members: collect(({ node, inType }) => (inType ? null : memberOf(node))),
		methodCalls: collect(({ node }) => (node.type === "CallExpression" ? propertyName(node.callee) : null)),
		callNames: collect(({ node }) => (isCallToD1(node) ? firstString(node) : null)),
		callsWithoutArguments: collect(({ node }) => (hasNoArguments(node) ? identifierName(node.callee) : null)),
		identifiers: collect(({ node }) => identifierName(node)),
		strings: collect((place) => (isSpecifier(place) ? null : stringOf(place.node))),
		functionLengths: collect(({ node }) =>
			/Function(Declaration|Expression)$/.test(node.type) ? String(lineAt(node.end) - lineAt(node.start) + 1) : null,
		),
		isBarrel: statements.length > 0 && statements.every(({ node }) => isNode(node.source) && /^Export/.test(node.type)),
	};
}

/** Expressions that only carry a type along; any other `TS…` node holds types alone. */
const TYPED_EXPRESSIONS = ["TSAsExpression", "TSSatisfiesExpression", "TSNonNullExpression", "TSTypeAssertion"];

function placesIn(program: unknown): Place[] {
	const places: Place[] = [];
	const visit = (value: unknown, parent: SyntaxNode | null, childName: string, inParentType: boolean) => {
		if (Array.isArray(value)) {
			for (const item of value) visit(item, parent, childName, inParentType);
		} else if (isNode(value)) {
			const inType = inParentType || (value.type.startsWith("TS") && !TYPED_EXPRESSIONS.includes(value.type));
			places.push({ node: value, parent, childName, inType });
			for (const [name, child] of Object.entries(value)) visit(child, value, name, inType);
		}
	};
	visit(program, null, "", false);
	return places;
}

function isNode(value: unknown): value is SyntaxNode {
	return typeof value === "object" && value !== null && "type" in value && "start" in value && "end" in value;
}

function isSpecifier({ node, childName }: Place): boolean {
	return node.type === "Literal" && childName === "source";
}

function isValue({ node, parent, childName, inType }: Place): boolean {
	if (node.type !== "Identifier" || inType || parent === null) return false;
	if (parent.computed === true) return true;
	const isNameOfMember = childName === "property" && parent.type === "MemberExpression";
	return !isNameOfMember && childName !== "key" && childName !== "imported" && childName !== "exported";
}

function memberOf(node: SyntaxNode): string | null {
	const object = node.type === "MemberExpression" ? identifierName(node.object) : null;
	return object === null ? null : `${object}.${propertyName(node)}`;
}

/** Of `a.b` and of `a["b"]`: b. */
function propertyName(node: unknown): string | null {
	if (!isNode(node) || node.type !== "MemberExpression" || !isNode(node.property)) return null;
	return node.computed === true ? stringOf(node.property) : identifierName(node.property);
}

function isCallToD1({ type, callee }: SyntaxNode): boolean {
	const method = type === "CallExpression" ? propertyName(callee) : null;
	const isOn = isNode(callee) ? identifierName(callee.object) : null;
	return ["all", "first", "transact", "transactNamed"].includes(method ?? "") && isOn !== null && isOn !== "Promise";
}

function firstString(node: SyntaxNode): string {
	const [first]: unknown[] = Array.isArray(node.arguments) ? node.arguments : [];
	return (isNode(first) ? stringOf(first) : null) ?? "";
}

function hasNoArguments(node: SyntaxNode): boolean {
	return Array.isArray(node.arguments) && node.arguments.length === 0;
}

function identifierName(node: unknown): string | null {
	return isNode(node) && node.type === "Identifier" && typeof node.name === "string" ? node.name : null;
}

function stringOf(node: SyntaxNode): string | null {
	if (node.type === "Literal") return typeof node.value === "string" ? node.value : null;
	if (node.type !== "TemplateElement" || typeof node.value !== "object" || node.value === null) return null;
	return "cooked" in node.value && typeof node.value.cooked === "string" ? node.value.cooked : null;
}
