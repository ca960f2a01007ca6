/** The call sites of the service as it stands on disk. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type CallSite, callSitesOf } from "./call-sites.ts";

export function callSitesIn(root: string): CallSite[] {
	const files = ["workers", "shared"].flatMap((folder) =>
		readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
			.filter((name) => name.endsWith(".ts"))
			.map((name) => ({ path: `${folder}/${name}`, text: readFileSync(join(root, folder, name), "utf8") })),
	);
	return callSitesOf(files);
}
