/** The calls that one file makes, each with the named function in which it stands. */
import { parseAst } from "vitest/node";
import { identifierName, isNode, propertyName, type SyntaxNode } from "./source-syntax.ts";

export interface CallRead {
	/** The nearest function around it that has a name; "" at top level. */
	from: string;
	/** Of a call by plain name: the name. */
	callee: string | null;
	/** Whether it calls a method of a binding, or of what wraps one. */
	isBinding: boolean;
}

export interface FileRead {
	path: string;
	calls: CallRead[];
	imports: Map<string, { name: string; from: string }>;
	/** Classes of this file that are made of a binding, with the names of their methods that wait for it. */
	wrappers: Bindings;
	/** Other names that this file gives to types. */
	aliases: Map<string, string>;
	/** Members of interfaces, by name, with their types. */
	members: Map<string, string>;
}

/** Types whose methods are calls to the outside: which of them are, or null for all. */
export type Bindings = Map<string, readonly string[] | null>;

/** What is known of all files before their calls are read. */
export interface Known {
	bindings: Bindings;
	/** Types by the name of the member that holds one: `jobQueue`, wherever it hangs. */
	members: Map<string, string>;
}

/** What is known at a place: the function's name, and the types of the names in scope, as far as they are written down. */
interface Scope {
	name: string;
	types: Map<string, string>;
	/** What the function to come will be called, if it has no name of its own. */
	given: string | null;
}

export function readFile(path: string, text: string, known: Known): FileRead {
	const file: FileRead = {
		path,
		calls: [],
		imports: new Map(),
		wrappers: new Map(),
		aliases: new Map(),
		members: new Map(),
	};

	function visit(value: unknown, scope: Scope): void {
		if (Array.isArray(value)) for (const item of value) visit(item, scope);
		if (!isNode(value)) return;
		if (value.type === "ImportDeclaration") readImport(value, file);
		readTypes(value, file, known);
		if (value.type === "CallExpression") {
			const isBinding = isBindingCall(value.callee, scope, known);
			file.calls.push({ from: scope.name, callee: identifierName(value.callee), isBinding });
		}
		const inner = scopeIn(value, scope);
		for (const child of Object.values(value)) visit(child, inner);
	}

	visit(parseAst(text, { lang: "ts" }), { name: "", types: new Map(), given: null });
	return file;
}

function readImport(node: SyntaxNode, file: FileRead): void {
	const from = isNode(node.source) ? node.source.value : null;
	if (typeof from !== "string" || node.importKind === "type") return;
	for (const specifier of listOf(node.specifiers)) {
		if (!isNode(specifier)) continue;
		const local = identifierName(specifier.local);
		if (local !== null) file.imports.set(local, { name: identifierName(specifier.imported) ?? local, from });
	}
}

function readTypes(node: SyntaxNode, file: FileRead, { bindings }: Known): void {
	const name = identifierName(node.id);
	if (node.type === "ClassDeclaration" && name !== null && takesBinding(node, bindings)) {
		file.wrappers.set(
			name,
			methodsOf(node).flatMap(({ name, isAsync }) => (isAsync ? [name] : [])),
		);
	}
	if (node.type === "TSTypeAliasDeclaration" && name !== null) {
		const type = referenceName(node.typeAnnotation);
		if (type !== null) file.aliases.set(name, type);
	}
	if (node.type === "TSPropertySignature") {
		const member = keyName(node.key);
		const type = typeName(node);
		if (member !== null && type !== null) file.members.set(member, type);
	}
}

/** `db.all(…)` of a `db: Database`, `services.jobQueue.enqueue(…)`, and `runtime.fetch(…)`. */
function isBindingCall(callee: unknown, { types }: Scope, { bindings, members }: Known): boolean {
	if (!isNode(callee) || callee.type !== "MemberExpression") return false;
	const method = propertyName(callee);
	const object = identifierName(callee.object) ?? propertyName(callee.object) ?? "";
	if (method === "fetch") return object === "runtime";
	const methods = bindings.get(types.get(object) || (members.get(object) ?? ""));
	return methods !== undefined && method !== null && (methods === null || methods.includes(method));
}

function scopeIn(node: SyntaxNode, scope: Scope): Scope {
	if (node.type === "VariableDeclarator") return { ...scope, given: identifierName(node.id) };
	if (node.type === "MethodDefinition" || node.type === "Property") return { ...scope, given: keyName(node.key) };
	if (!/Function(Declaration|Expression)$/.test(node.type)) return { ...scope, given: null };
	const types = new Map(scope.types);
	for (const param of listOf(node.params)) {
		const name = identifierName(param);
		const type = name === null ? null : typeName(param);
		if (name !== null) types.set(name, type ?? "");
	}
	return { name: identifierName(node.id) ?? scope.given ?? scope.name, types, given: null };
}

function takesBinding(node: SyntaxNode, bindings: Bindings): boolean {
	const maker = methodsOf(node).find(({ kind }) => kind === "constructor");
	return listOf(maker?.params).some((param) => bindings.has(typeName(param) ?? ""));
}

function methodsOf(node: SyntaxNode): { name: string; kind: unknown; params: unknown; isAsync: boolean }[] {
	const members = isNode(node.body) ? listOf(node.body.body) : [];
	return members.flatMap((member) => {
		if (!isNode(member) || member.type !== "MethodDefinition" || !isNode(member.value)) return [];
		const { params, async } = member.value;
		return [{ name: keyName(member.key) ?? "", kind: member.kind, params, isAsync: async === true }];
	});
}

function listOf(value: unknown): unknown[] {
	return Array.isArray(value) ? value : [];
}

/** Of `db: Database`: Database. */
function typeName(named: unknown): string | null {
	return isNode(named) && isNode(named.typeAnnotation) ? referenceName(named.typeAnnotation.typeAnnotation) : null;
}

function referenceName(type: unknown): string | null {
	return isNode(type) && type.type === "TSTypeReference" ? identifierName(type.typeName) : null;
}

function keyName(key: unknown): string | null {
	if (isNode(key) && key.type === "PrivateIdentifier") return typeof key.name === "string" ? `#${key.name}` : null;
	return identifierName(key);
}
