/** Which call site of the source makes a call: read from the stack, by the names that `callSitesOf` gives to sites. */
import { env } from "cloudflare:workers";

/** One expression of a call site. */
export interface Place {
	/** As in `CallSite`; where no site is known for a call, what its stack says. */
	site: string;
	/** Tells apart the places of one site; means nothing by itself. */
	key: string;
	isKnown: boolean;
}

interface Frame {
	file: string;
	/** Null: a function without a name. */
	name: string | null;
	line: string;
}

const SHARED: Place = { site: "a shared write", key: "a shared write", isKnown: true };

/** From the call up to the door of its actor, across awaits. */
const FRAMES_MAX = 60;
const FRAME = /^\s*at (?:async )?(?:(.+) \()?(\/[^()]+\.ts):(\d+):\d+\)?$/;

const leaves = new Set(env.TEST_CALL_SITES.map(({ name }) => name.split(" → ").at(-1)));
const sites = new Set(env.TEST_CALL_SITES.map(({ name }) => name));

/** Call it before anything is awaited: it asks who has called so far. */
export function placeOfCall(): Place {
	Error.stackTraceLimit = FRAMES_MAX;
	const stack = new Error("a call").stack ?? "";
	const frames = ourFrames(stack);
	for (const [at, leaf] of frames.entries()) {
		for (const own of namesAt(frames, at).filter((name) => leaves.has(name))) {
			if (sites.has(own)) return { site: own, key: `${own} ${leaf.line}`, isKnown: true };
			const above = frames.findIndex(({ file }, index) => index > at && /^workers\/[^/]+\//.test(file));
			const site = namesAt(frames, above)
				.map((caller) => `${caller} → ${own}`)
				.find((name) => sites.has(name));
			if (site !== undefined) return { site, key: `${site} ${frames[above]?.line} ${leaf.line}`, isKnown: true };
		}
	}
	// Whoever shares a write that another began is not on its stack. Each site is tried where it writes alone.
	const isShared = frames.some(({ file }) => file === "shared/core/group-commit.ts");
	if (isShared && !frames.some(({ file }) => file.startsWith("workers/"))) return SHARED;
	return { site: stack, key: stack, isKnown: false };
}

/** Functions of `workers/` and `shared/`, the innermost first. */
function ourFrames(stack: string): Frame[] {
	const lines = stack.split("\n").flatMap((line) => {
		const [, name = null, file, at] = FRAME.exec(line) ?? [];
		return file === undefined || at === undefined ? [] : [{ name: lastPart(name), file, line: at }];
	});
	const root = lines.find(({ file }) => file.endsWith(HERE))?.file.slice(0, -HERE.length) ?? "";
	return lines
		.filter(({ file }) => file.startsWith(root))
		.map((frame) => ({ ...frame, file: frame.file.slice(root.length) }))
		.filter(({ file }) => /^(workers|shared)\//.test(file));
}

const HERE = "test/workerd/faults/place.ts";

/** Of `KeyCache.find` and `Object.find [as look]`: find. */
function lastPart(name: string | null): string | null {
	const last = name
		?.replace(/ \[as .*\]$/, "")
		.split(".")
		.at(-1);
	return last === undefined || last === "<anonymous>" ? null : last;
}

/**
 * What may be around a function without a name: those of its file that have one, and its top level. The nearest on the
 * stack need not be it, for it may only have been handed the function; the one that is stands among the sites.
 */
function namesAt(frames: Frame[], index: number): string[] {
	const frame = frames[index];
	if (frame === undefined) return [];
	if (frame.name !== null) return [`${frame.file}#${frame.name}`];
	const around = frames.filter(({ file, name }, at) => at > index && file === frame.file && name !== null);
	return [...around.map(({ name }) => `${frame.file}#${name}`), `${frame.file}#`];
}
