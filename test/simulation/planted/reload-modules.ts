/**
 * Loads modules again after a file has changed, and only those that the change reaches by imports: the others keep their state
 * and stay compiled. For a process that tries one planted bug after the other.
 */
import { readFileSync } from "node:fs";
import { registerHooks, stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = pathToFileURL(join(import.meta.dirname, "../../..")).href;
/** Who reads what is no module. */
const MIGRATIONS_READER = "test/simulation/world/sql-engine.ts";

const sources = new Map<string, string>();
const importers = new Map<string, Set<string>>();
let version = 0;
let changed: ReadonlySet<string> = new Set();

const isOwn = (url: string) => url.startsWith(ROOT) && url.endsWith(".ts") && !url.includes("/node_modules/");
const bare = (url: string) => url.split("?")[0] ?? url;

registerHooks({
	resolve(specifier, context, next) {
		const found = next(specifier, context);
		const url = bare(found.url);
		if (!isOwn(url)) return found;
		const parent = bare(context.parentURL ?? "");
		importers.set(url, (importers.get(url) ?? new Set()).add(parent));
		return { ...found, url: changed.has(url) ? `${url}?version=${version}` : url };
	},
	load(url, context, next) {
		if (!isOwn(bare(url))) return next(url, context);
		return { format: "module", source: sourceOf(bare(url)), shortCircuit: true };
	},
});

function sourceOf(url: string): string {
	const known = sources.get(url) ?? stripTypeScriptTypes(readFileSync(fileURLToPath(url), "utf8"));
	sources.set(url, known);
	return known;
}

/** From now on `file`, a path in the tree, and all that imports it are loaded as `file` is now. */
export function reload(file: string): void {
	const url = `${ROOT}/${file.endsWith(".ts") ? file : MIGRATIONS_READER}`;
	sources.delete(url);
	version += 1;
	changed = withImporters(url);
}

function withImporters(url: string): Set<string> {
	const found = new Set([url]);
	for (const one of found) for (const importer of importers.get(one) ?? []) found.add(importer);
	return found;
}
