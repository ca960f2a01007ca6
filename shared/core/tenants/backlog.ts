/** How much open work each tenant has, as the sweeper counts it. */

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;

/** A sample names so many models at most: those for which most jobs are queued. */
const MODELS_MAX = 100;

/** Open jobs that are alike. */
export interface JobGroup {
	tenantId: string;
	model: string;
	isQueued: boolean;
	isParked: boolean;
	/** Neither parked nor with a slot. */
	isLater: boolean;
	jobs: number;
	/** How long the one that has been due for the longest has waited. Null: none is queued and due. */
	oldestMs: number | null;
}

export interface BacklogSample {
	tenantId: string;
	openJobs: number;
	parkedJobs: number;
	laterJobs: number;
	/** 0: no queued job is due. */
	oldestMs: number;
	pendingDeliveries: number;
	/** Queued jobs by model. */
	models: Record<string, number>;
}

/** As it is stored: of a minute, or the most of an hour. */
export interface BacklogRow extends Omit<BacklogSample, "tenantId" | "models"> {
	startAt: number;
	/** When it was counted last. */
	sampledAt: number;
	/** There was more open work than was counted. */
	isCut: boolean;
}

export interface OpenWork {
	jobs: JobGroup[];
	deliveries: { tenantId: string; deliveries: number }[];
	/** Tenants that had some when it was counted last. */
	before: string[];
	/** There is more than was counted. */
	isCut: boolean;
}

/** One sample of each tenant with open work, and one of zeros where all of it is done. Of work that was not seen nothing is said. */
export function samplesOf({ jobs, deliveries, before, isCut }: OpenWork): BacklogSample[] {
	const samples = new Map<string, BacklogSample>();
	const sampleOf = (tenantId: string) => {
		const sample = samples.get(tenantId) ?? noneOf(tenantId);
		samples.set(tenantId, sample);
		return sample;
	};
	for (const group of jobs) {
		const sample = sampleOf(group.tenantId);
		sample.openJobs += group.jobs;
		if (group.isParked) sample.parkedJobs += group.jobs;
		if (group.isLater) sample.laterJobs += group.jobs;
		if (group.isQueued) sample.models[group.model] = (sample.models[group.model] ?? 0) + group.jobs;
		sample.oldestMs = Math.max(sample.oldestMs, group.oldestMs ?? 0);
	}
	for (const { tenantId, deliveries: pending } of deliveries) sampleOf(tenantId).pendingDeliveries += pending;
	if (!isCut) for (const tenantId of before) sampleOf(tenantId);
	return [...samples.values()].map((sample) => ({ ...sample, models: most(sample.models) }));
}

function noneOf(tenantId: string): BacklogSample {
	const counts = { openJobs: 0, parkedJobs: 0, laterJobs: 0, oldestMs: 0, pendingDeliveries: 0 };
	// Without a prototype, so that any name of a model is one.
	return { tenantId, ...counts, models: Object.create(null) };
}

function most(models: Record<string, number>): Record<string, number> {
	const entries = Object.entries(models);
	if (entries.length <= MODELS_MAX) return models;
	return Object.fromEntries(entries.sort(([, one], [, other]) => other - one).slice(0, MODELS_MAX));
}
