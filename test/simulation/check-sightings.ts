/**
 * What readers saw of a job is one story: S2, it ends once, and its result keeps its bytes; S8, a read after
 * another's response sees no older version; E3, what was erased does not come back.
 */
import type { Problem } from "./check-history.ts";
import { FINAL_STATUSES, type HistoryEvent } from "./history.ts";

/** What is known of a job from answers that have come. */
interface Known {
	version: number;
	end: string | null;
	sha: string | null;
	isErased: boolean;
}

const NOTHING: Known = { version: 0, end: null, sha: null, isErased: false };

/** @param history in the order of time */
export function checkSightings(history: readonly HistoryEvent[]): Problem[] {
	const known = new Map<string, Known>();
	/** What was known when a request set out: its answer must not fall behind that. */
	const atInvoke = new Map<number, Known>();
	const problems: Problem[] = [];
	for (const event of history) {
		const { job, op, type, request } = event;
		if (op === "webhook" || op === "list") continue;
		const before = known.get(job ?? "") ?? NOTHING;
		if (type === "invoke") {
			atInvoke.set(request, before);
			continue;
		}
		if (job === undefined) continue;
		// The submitter does not know the job yet: another reader may have followed it to its end meanwhile.
		const floor = op === "submit" ? NOTHING : (atInvoke.get(request) ?? NOTHING);
		problems.push(...contradictions(event, floor, before));
		if (op === "delete" && type === "ok") known.set(job, { ...before, isErased: true });
		else if (type === "ok") known.set(job, { ...before, ...learned(event, before) });
	}
	return problems;
}

function learned({ version = 0, status = "", sha }: HistoryEvent, before: Known): Partial<Known> {
	const end = FINAL_STATUSES.includes(status) ? status : null;
	return { version: Math.max(version, before.version), end: before.end ?? end, sha: before.sha ?? sha ?? null };
}

/** @param floor what was known when the request set out; @param before when its answer came */
function contradictions({ job, op, type, version, status, sha }: HistoryEvent, floor: Known, before: Known): Problem[] {
	if (type !== "ok") return [];
	const problems: Problem[] = [];
	const say = (invariant: string, message: string) => problems.push({ invariant, message: `${job} ${message}` });
	if (floor.isErased && op !== "delete") say("E3", "came back after it was erased");
	if (version !== undefined && version < floor.version) say("S8", `went from version ${floor.version} to ${version}`);
	if (status !== undefined && floor.end !== null && status !== floor.end)
		say("S2", `was ${floor.end} and became ${status}`);
	const isOtherEnd =
		status !== undefined && FINAL_STATUSES.includes(status) && before.end !== null && before.end !== status;
	if (floor.end === null && isOtherEnd) say("S2", `is both ${before.end} and ${status}`);
	if (sha !== undefined && before.sha !== null && before.sha !== sha)
		say("S2", `had the result ${before.sha}, then ${sha}`);
	if (sha !== undefined && before.end !== null && before.end !== "succeeded")
		say("S2", `is ${before.end} and has a result`);
	return problems;
}
