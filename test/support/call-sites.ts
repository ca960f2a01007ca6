/**
 * Every place of the source that calls what lies outside: D1, R2, a queue, the network, the AI binding, a rate limiter. Read
 * from the syntax, so that a place added tomorrow is known tomorrow.
 *
 * Most such calls stand in a verb that the actors share, and which actor calls it decides what a fault of it means: a site
 * is therefore the pair, `workers/<actor>/…#function → shared/…#function`. A call that stands in an actor's own file is a
 * site by itself; so is one behind a port, where no syntax tells who calls, once for each actor whose imports lead there.
 */
import { posix } from "node:path";
import { type Bindings, type CallRead, type FileRead, type Known, readFile } from "./read-calls.ts";

export interface SourceFile {
	path: string;
	text: string;
}

/** A type and no interface, for it goes to the Worker as JSON. */
export type CallSite = {
	/** `caller → verb`, or the verb alone; each as `file#function`, without a function for what stands at top level. */
	name: string;
	/** Whose it is: consumer, dispatcher, intake or sweeper. */
	actor: string;
	/** How many expressions of the source make this call. */
	places: number;
};

/** Bindings as the platform hands them over; what wraps one is a class that takes one, found in the source. */
const RAW_BINDINGS: Bindings = new Map(
	["D1Database", "R2Bucket", "Queue", "Ai", "AiBinding", "RateLimit"].map((type) => [type, null]),
);

export function callSitesOf(sources: readonly SourceFile[]): CallSite[] {
	const known = knownOf(sources);
	const files = sources.map(({ path, text }) => readFile(path, text, known));
	const leaves = leavesOf(files);
	const sites = new Map<string, CallSite>();
	const add = (name: string, actor: string, places: number) => {
		const key = `${actor} ${name}`;
		sites.set(key, { name, actor, places: places + (sites.get(key)?.places ?? 0) });
	};
	for (const file of files.filter(({ path }) => isActors(path))) {
		for (const call of file.calls) {
			const verb = targetOf(file, call);
			if (verb === null || isActors(verb)) continue;
			for (const [leaf, places] of reached(verb, files, leaves)) {
				add(`${file.path}#${call.from} → ${leaf}`, actorOf(file.path), places);
			}
		}
	}
	const paired = new Set([...sites.values()].map(({ name }) => name.split(" → ")[1]));
	for (const [leaf, places] of leaves) {
		// What nobody is seen to call stands in the list all the same, where nothing but a call can cross it off.
		if (standsAlone(leaf) || !paired.has(leaf)) for (const actor of actorsOf(leaf, files)) add(leaf, actor, places);
	}
	return [...sites.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function knownOf(files: readonly SourceFile[]): Known {
	const read = files.map(({ path, text }) => readFile(path, text, { bindings: RAW_BINDINGS, members: new Map() }));
	const bindings: Bindings = new Map([...RAW_BINDINGS, ...read.flatMap(({ wrappers }) => [...wrappers])]);
	for (const [alias, type] of read.flatMap(({ aliases }) => [...aliases])) {
		const methods = bindings.get(type);
		if (methods !== undefined) bindings.set(alias, methods);
	}
	return { bindings, members: new Map(read.flatMap(({ members }) => [...members])) };
}

/** What stands in the actors themselves, or is reached through a port that the syntax does not see through. */
function standsAlone(path: string): boolean {
	return isActors(path) || /^shared\/(model|webhooks)\//.test(path);
}

function isActors(path: string): boolean {
	return /^workers\/[^/]+\//.test(path);
}

function actorOf(path: string): string {
	return /^workers\/([^/]+)\//.exec(path)?.[1] ?? "nobody";
}

/** Whose code it is, or comes to be through imports. */
function actorsOf(leaf: string, files: FileRead[]): string[] {
	const [path = ""] = leaf.split("#");
	if (isActors(path)) return [actorOf(path)];
	const users = new Set([path]);
	// A set grows while it is gone through, and what was added is gone through, too.
	for (const used of users) {
		for (const file of files) if (importsOf(file).includes(used)) users.add(file.path);
	}
	const actors = new Set([...users].filter(isActors).map(actorOf));
	return actors.size === 0 ? ["nobody"] : [...actors];
}

function importsOf({ path, imports }: FileRead): string[] {
	return [...imports.values()].map(({ from }) => posix.join(posix.dirname(path), from));
}

/** Functions that call a binding, with how many expressions of theirs do. */
function leavesOf(files: FileRead[]): Map<string, number> {
	const leaves = new Map<string, number>();
	for (const { path, calls } of files) {
		for (const { from, isBinding } of calls) {
			if (isBinding) leaves.set(`${path}#${from}`, (leaves.get(`${path}#${from}`) ?? 0) + 1);
		}
	}
	return leaves;
}

/** The leaves that a call of `verb` may come to, by way of functions that no actor owns. */
function reached(verb: string, files: FileRead[], leaves: Map<string, number>): Map<string, number> {
	const found = new Map<string, number>();
	const seen = new Set<string>();
	const visit = (key: string) => {
		if (seen.has(key)) return;
		seen.add(key);
		const places = leaves.get(key);
		if (places !== undefined && !standsAlone(key)) found.set(key, places);
		const [path, name] = key.split("#");
		const file = files.find((candidate) => candidate.path === path);
		for (const call of file?.calls.filter(({ from }) => from === name) ?? []) {
			const target = file === undefined ? null : targetOf(file, call);
			if (target !== null && !isActors(target)) visit(target);
		}
	};
	visit(verb);
	return found;
}

/** `file#function` of what a call by plain name calls; null for anything else. */
function targetOf(file: FileRead, { callee }: CallRead): string | null {
	if (callee === null) return null;
	const imported = file.imports.get(callee);
	if (imported === undefined) return `${file.path}#${callee}`;
	if (!imported.from.startsWith(".")) return null;
	return `${posix.join(posix.dirname(file.path), imported.from)}#${imported.name}`;
}
