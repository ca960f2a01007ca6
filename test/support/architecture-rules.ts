/**
 * The shape of the source tree as rules. Each is a pure function of paths and texts, so that a test can plant a violation
 * and see it caught.
 */
import { posix } from "node:path";
import { CALLS } from "../workerd/faults/catalogue.ts";
import { mayImport } from "./rooms.ts";
import { type Found, factsOf } from "./source-syntax.ts";

/** A rule on one file at a time. */
export interface Rule {
	/** What holds wherever the rule finds nothing. */
	guarantee: string;
	/** One line for each violation; empty: the file keeps the rule. */
	check(path: string, text: string): string[];
}

export interface SourceFile {
	path: string;
	text: string;
}

/** A rule on the tree as a whole. */
interface TreeRule {
	guarantee: string;
	check(files: SourceFile[]): string[];
}

const FILE_LINES_MAX = 350;
const FUNCTION_LINES_MAX = 49;
const FOLDER_FILES_MAX = 15;

const CORE_PACKAGES = ["zod", "ipaddr.js", "ulidx"];
const DASHBOARD_PACKAGES = /^(preact|preact\/hooks|preact-iso|@preact\/signals|lucide|marked)$/;
/** Markup from strings, code from strings, styles that the Content-Security-Policy refuses, and addresses of others. */
const MARKUP = /dangerouslySetInnerHTML|(inner|outer)HTML|insertAdjacentHTML|document\.write|\beval\b|new Function/;
const STYLE_OR_ADDRESS = /\bstyle="|["'`(]\s*(https?:)?\/\/(?!www\.w3\.org\/)[\w$]/;
const WORLD_VALUES = ["crypto", "fetch", "globalThis", "performance", "scheduler", "setImmediate", "clearImmediate"];
const TIMERS = ["setTimeout", "setInterval", "clearTimeout", "clearInterval"];
const WORLD_MEMBERS = ["Date.now", "Math.random", "AbortSignal.timeout"];
const SHAPELESS_NAMES = ["utils.ts", "util.ts", "types.ts", "helpers.ts", "common.ts", "misc.ts"];

const inService = (path: string) => /^(workers|shared)\//.test(path);
const isOurs = (path: string) => /^(workers|shared|client|dashboard|scripts|test)\//.test(path);
const inDashboard = (path: string) => path.startsWith("dashboard/") && path !== "dashboard/vite.config.ts";
/** Written by hand. */
const isSmall = (path: string) => /^(workers|shared|client|dashboard)\//.test(path) && path !== "client/schemas.ts";
const isStyle = (path: string) => path.endsWith(".css");
const isMap = (path: string) => path === "workers/index.ts";
/** The map in a local run. */
const isLocalMap = (path: string) => path === "workers/local.ts";
/** The map, and the file by which each actor is entered. */
const isDoor = (path: string) => /^workers\/([^/]+\/)?index\.ts$/.test(path) || isLocalMap(path);

/** What a specifier means from `path`: a path from the root for a file of ours, else the specifier itself. */
function targetOf(path: string, specifier: string): string {
	return specifier.startsWith(".") ? posix.join(posix.dirname(path), specifier) : specifier;
}

/** Style sheets have none. */
const importsOf = ({ path, text }: SourceFile): Found[] => (isStyle(path) ? [] : factsOf(text).imports);

function importRule(guarantee: string, isForbidden: (path: string, target: string) => boolean): Rule {
	return {
		guarantee,
		check: (path, text) =>
			listed(
				importsOf({ path, text }).filter(({ what }) => isForbidden(path, targetOf(path, what))),
				(specifier) => `imports ${specifier}`,
			),
	};
}

/** A rule on the files for which `covers` holds. */
function rule(guarantee: string, covers: (path: string) => boolean, find: (text: string) => Found[]): Rule {
	return { guarantee, check: (path, text) => (covers(path) ? listed(find(text), (what) => what) : []) };
}

function listed(found: Found[], show: (what: string) => string): string[] {
	return found.map(({ what, line }) => `line ${line}: ${show(what)}`);
}

const named = (found: Found[], names: readonly string[]) => found.filter(({ what }) => names.includes(what));

const methodRule = (guarantee: string, methods: readonly string[], mayCall: (path: string) => boolean): Rule =>
	rule(
		guarantee,
		(path) => inService(path) && !mayCall(path),
		(text) => named(factsOf(text).methodCalls, methods),
	);

export const ARCHITECTURE_RULES: readonly Rule[] = [
	importRule(
		"each folder imports only from the folders that rooms.ts grants it",
		(path, target) => isOurs(target) && !mayImport(path, target),
	),
	importRule("nothing imports the map", (path, target) => isOurs(path) && isMap(target) && !isLocalMap(path)),
	importRule(
		"the core uses only a few pure packages",
		(path, target) => path.startsWith("shared/core/") && !isOurs(target) && !CORE_PACKAGES.includes(target),
	),
	importRule(
		"the real world is handed in at the doors alone",
		(path, target) => target === "workers/runtime.ts" && !isDoor(path),
	),
	importRule(
		"only the map imports from the platform",
		(path, target) => target.startsWith("cloudflare:") && !isMap(path),
	),
	importRule(
		"the service needs nothing of Node",
		(path, target) => inService(path) && (target.startsWith("node:") || target === "timers/promises"),
	),
	importRule(
		"the client needs one package, and nothing of Node",
		(path, target) => posix.dirname(path) === "client" && !isOurs(target) && target !== "standardwebhooks",
	),
	importRule(
		"the dashboard needs a few small packages, and nothing of Node",
		(path, target) => inDashboard(path) && !isOurs(target) && !DASHBOARD_PACKAGES.test(target),
	),
	rule("the dashboard makes no markup or code of strings, and loads nothing from elsewhere", inDashboard, (text) =>
		text
			.split("\n")
			.flatMap((what, index) =>
				MARKUP.test(what) || STYLE_OR_ADDRESS.test(what) ? [{ what: what.trim(), line: index + 1 }] : [],
			),
	),
	rule(
		"clock, dice, timers, network and cryptography come from the runtime",
		(path) => inService(path) && path !== "workers/runtime.ts",
		(text) => {
			const facts = factsOf(text);
			return [
				...named(facts.values, [...WORLD_VALUES, ...TIMERS]),
				...named(facts.members, WORLD_MEMBERS),
				...named(facts.callsWithoutArguments, ["Date"]),
			];
		},
	),
	methodRule(
		"messages are acked and retried in one file, one by one",
		["ack", "retry"],
		(path) => path === "workers/apply-dispositions.ts",
	),
	methodRule("a whole batch is acked in the map alone, where dead letters end", ["ackAll"], isMap),
	methodRule("no whole batch is ever retried", ["retryAll"], () => false),
	methodRule("all SQL is in shared/db", ["prepare"], (path) => path.startsWith("shared/db/")),
	methodRule("all queue sends are in shared/queues", ["send", "sendBatch"], (path) =>
		path.startsWith("shared/queues/"),
	),
	rule(
		"all R2 keys are made in shared/storage",
		(path) => inService(path) && !path.startsWith("shared/storage/"),
		(text) => factsOf(text).strings.filter(({ what }) => /(^|\/)(results|inputs)\//.test(what)),
	),
	rule(
		"the environment goes no further than the doors",
		(path) => inService(path) && !isDoor(path),
		(text) => named(factsOf(text).identifiers, ["Env"]),
	),
	rule(
		"shared code writes no logs",
		(path) => path.startsWith("shared/"),
		(text) => named(factsOf(text).values, ["console"]),
	),
	rule("files have at most 350 lines", isSmall, (text) => {
		const lines = text.replace(/\n$/, "").split("\n").length;
		return lines > FILE_LINES_MAX ? [{ what: `${lines} lines`, line: lines }] : [];
	}),
	rule(
		"functions have less than 50 lines",
		(path) => isSmall(path) && !isStyle(path),
		(text) => factsOf(text).functionLengths.filter(({ what }) => Number(what) > FUNCTION_LINES_MAX),
	),
	{
		guarantee: "every file is named after what is in it",
		check(path) {
			const name = posix.basename(path);
			const isShapeless = SHAPELESS_NAMES.includes(name) || (name === "index.ts" && path.startsWith("shared/"));
			return isShapeless ? [`the name ${name}`] : [];
		},
	},
	rule("no file only hands on what others export", inService, (text) =>
		factsOf(text).isBarrel ? [{ what: "re-exports alone", line: 1 }] : [],
	),
];

export const TREE_RULES: readonly TreeRule[] = [
	{
		guarantee: "folders hold at most 15 files",
		check(files) {
			const counts = new Map<string, number>();
			for (const { path } of files) {
				const folder = posix.dirname(path);
				counts.set(folder, (counts.get(folder) ?? 0) + 1);
			}
			return [...counts].flatMap(([folder, count]) =>
				count > FOLDER_FILES_MAX ? [`${folder} holds ${count} files`] : [],
			);
		},
	},
	{ guarantee: "each call to D1 has a name of its own, and stories of its faults", check: findUncovered },
	{ guarantee: "no imports run in a circle, those of types included", check: findCircles },
];

/** Each circle of imports, by the path on which a search from the first file of it came back to a file. */
function findCircles(files: SourceFile[]): string[] {
	const targets = new Map(
		files.map((file) => [file.path, importsOf(file).map(({ what }) => targetOf(file.path, what))]),
	);
	const circles: string[] = [];
	const finished = new Set<string>();
	const visit = (path: string, trail: string[]) => {
		if (trail.includes(path)) circles.push([...trail.slice(trail.indexOf(path)), path].join(" → "));
		if (trail.includes(path) || finished.has(path)) return;
		for (const target of targets.get(path) ?? []) visit(target, [...trail, path]);
		finished.add(path);
	};
	for (const path of targets.keys()) visit(path, []);
	return circles;
}

function findUncovered(files: SourceFile[]): string[] {
	const covered = new Set(Object.values(CALLS).flatMap((names) => [...names]));
	const seen = new Set<string>();
	return files.flatMap(({ path, text }) => {
		if (!path.startsWith("shared/db/") || path === "shared/db/database.ts") return [];
		const isWrong = ({ what }: Found) => what === "" || seen.has(what) || !covered.has(`d1 ${what}`) || !seen.add(what);
		return factsOf(text)
			.callNames.filter(isWrong)
			.map(({ what, line }) => `${path}, line ${line}: "${what}"`);
	});
}
