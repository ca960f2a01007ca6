/** Writes beside each planted bug which seed saw it last. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** In whichever file of this folder lists a bug. */
export function recordSeeds(seeds: ReadonlyMap<string, number>): void {
	for (const name of readdirSync(import.meta.dirname).filter((file) => file.endsWith("-bugs.ts"))) {
		const file = join(import.meta.dirname, name);
		writeFileSync(file, withSeeds(readFileSync(file, "utf8"), seeds));
	}
}

/** The seed stands on the line after the bug's name. */
export function withSeeds(text: string, seeds: ReadonlyMap<string, number>): string {
	return text.replace(/^(\t\tname: "(.*)",\n)(\t\tseenBy: .*\n)?/gm, (whole, line: string, name: string) => {
		const seed = seeds.get(name);
		return seed === undefined ? whole : `${line}\t\tseenBy: ${seed},\n`;
	});
}
