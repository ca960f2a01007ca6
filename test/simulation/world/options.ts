/** What one seed's world is like: each fault as often as the dice say, many of them not at all. */
import type { Dice } from "./dice.ts";

/** How often each thing goes wrong, in a call to one binding. */
export interface CallFaults {
	/** Refused, and nothing was done. */
	before: number;
	/** Done, and the answer lost. */
	after: number;
	/** The caller gives up on the answer, and only then it is done. */
	late: number;
	/** No answer for minutes, or never. */
	hang: number;
}

/** What puts the service under pressure of one kind, in some of the seeds. */
export interface Pressure {
	/** R2 refuses all puts and deletions for a time. */
	refusedPuts: Span | null;
	/** Of the throttled calls: how many are refused for a day. */
	longWaits: number;
	/** Of the jobs and results: how many look as another version wrote them. */
	otherVersions: number;
	/** How often a provider allows a call to each model; null: as often as one likes. */
	allowanceMs: number | null;
	/** The only fault of the seed. */
	singleFault: (Span & { faults: Partial<Options> }) | null;
	/** What the first tenant's calls come to, where all others' are answered. */
	hostile: Hostility | null;
}

export type Hostility = "cut" | "throttled" | "blocked" | "broken" | "rejected" | "flood";

/** A time, from the beginning of the seed. */
export interface Span {
	fromMs: number;
	forMs: number;
}

export interface Options extends Pressure {
	jobs: number;
	tenants: number;
	/** How long faults go on. */
	faultsMs: number;
	database: CallFaults;
	storage: CallFaults;
	/** Of R2's puts and deletions alone; null: as of all its calls. */
	storageWrites: CallFaults | null;
	queueCalls: CallFaults;
	/** Of the messages: never delivered, delivered again, delivered much later, delivered before their delay is over. */
	messages: { lost: number; repeated: number; delayed: number; early: number };
	/** Times in which hardly any call to one of them is answered: how many, and for how long. */
	outages: number;
	outageMs: number;
	batchMin: number;
	batchMax: number;
	/** How many batches of a queue are consumed at a time, as `wrangler.toml` has it. */
	concurrency: number;
	/** How many calls of an invocation may be open at a time; null: any number. */
	connections: number | null;
	/** Of the calls to bindings: how many are the last thing that an invocation does, or come with a pause. */
	deaths: number;
	pauses: number;
	/** How far machines' clocks are off; and how often, and how far, the database's jumps. */
	skewMs: number;
	jumps: number;
	jumpMs: number;
	/** Of the model's answers: how many fail, never come, or take longer than a lease. */
	modelFailures: number;
	modelHangs: number;
	modelSlow: number;
	endpointFailures: number;
	/** Of the jobs: how many are cancelled, erased, run again, submitted twice. */
	cancels: number;
	deletes: number;
	retries: number;
	duplicates: number;
	/** How many receivers a tenant registers at most; 0: none, as in most seeds. And how often each of them is down. */
	endpoints: number;
	downs: number;
	/** How often a tenant's limits are changed at most; 0: it has none, as in most seeds. */
	limitChanges: number;
	/** How long before midnight, UTC, the seed begins; null: in the night, far from either. */
	beforeMidnightMs: number | null;
	leaseSeconds: number;
	/** In seconds, as configured. */
	deliverySchedule: string;
}

/** Of ten calls, one gets through. */
export const OUTAGE: CallFaults = { before: 0.5, after: 0.3, late: 0.1, hang: 0 };

/** Of ten calls, none. */
export const OUT: CallFaults = { before: 1, after: 0, late: 0, hang: 0 };

/** As in `wrangler.toml`. */
export const CONCURRENCY = 60;

const NO_FAULTS: CallFaults = { before: 0, after: 0, late: 0, hang: 0 };

/** Each kind of fault is absent from a good part of all seeds: what one hides, another seed without it shows. */
export function throwOptions(
	dice: Dice,
): Omit<Options, keyof Pressure | "endpoints" | "downs" | "limitChanges" | "beforeMidnightMs"> {
	const some = (max: number) => (dice.chance(0.5) ? 0 : dice.next() ** 2 * max);
	const calls = (): CallFaults =>
		dice.chance(0.4) ? NO_FAULTS : { before: some(0.15), after: some(0.15), late: some(0.1), hang: some(0.04) };
	return {
		jobs: dice.between(4, 14),
		tenants: dice.between(1, 2),
		faultsMs: dice.between(120, 1_200) * 1000,
		database: calls(),
		storage: calls(),
		storageWrites: null,
		queueCalls: calls(),
		messages: { lost: some(0.5), repeated: some(0.5), delayed: some(0.4), early: some(0.5) },
		outages: dice.chance(0.3) ? dice.between(1, 3) : 0,
		outageMs: dice.pick([15_000, 60_000, 180_000]),
		batchMin: 1,
		concurrency: CONCURRENCY,
		connections: null,
		batchMax: dice.pick([1, 4, 4, 10]),
		deaths: some(0.12),
		pauses: some(0.08),
		skewMs: dice.pick([0, 0, 1_000, 30_000, 600_000]),
		jumps: dice.chance(0.2) ? 0.02 : 0,
		jumpMs: dice.pick([2_000, 60_000, 600_000]),
		modelFailures: some(0.9),
		modelHangs: some(0.2),
		modelSlow: some(0.5),
		endpointFailures: some(0.8),
		cancels: some(0.6),
		deletes: some(0.6),
		retries: some(0.4),
		duplicates: some(0.8),
		deliverySchedule: dice.pick(["0,5,60,300,900,1800", "0,1,5,20"]),
		leaseSeconds: dice.pick([20, 90, 90]),
	};
}

/** From dice of their own: a world without registered receivers is what it was before there were any. */
export function throwEndpoints(dice: Dice): Pick<Options, "endpoints" | "downs"> {
	return dice.chance(0.12)
		? { endpoints: dice.between(1, 3), downs: dice.pick([0, 1, 2, 3]) }
		: { endpoints: 0, downs: 0 };
}

/** The same of limits. So few jobs at a time hardly meet: in a world with limits they are more, and come together. */
export function throwLimits(dice: Dice): Pick<Options, "limitChanges" | "beforeMidnightMs"> & Partial<Options> {
	if (!dice.chance(0.12)) return { limitChanges: 0, beforeMidnightMs: null };
	return {
		limitChanges: dice.between(1, 6),
		beforeMidnightMs: dice.chance(0.5) ? dice.between(60, 900) * 1000 : null,
		jobs: dice.between(12, 30),
	};
}

export const NO_PRESSURE: Pressure = {
	refusedPuts: null,
	longWaits: 0,
	otherVersions: 0,
	allowanceMs: null,
	singleFault: null,
	hostile: null,
};

/** A world without any faults, and callers who only submit and look. */
export const CALM: Partial<Options> = {
	database: NO_FAULTS,
	storage: NO_FAULTS,
	storageWrites: null,
	queueCalls: NO_FAULTS,
	messages: { lost: 0, repeated: 0, delayed: 0, early: 0 },
	outages: 0,
	deaths: 0,
	pauses: 0,
	jumps: 0,
	modelFailures: 0,
	modelHangs: 0,
	modelSlow: 0,
	endpointFailures: 0,
	endpoints: 0,
	downs: 0,
	limitChanges: 0,
	cancels: 0,
	deletes: 0,
	retries: 0,
	duplicates: 0,
	...NO_PRESSURE,
};

/** The same world once nothing goes wrong any more; callers go on as they are. */
export function withoutFaults(options: Options): Options {
	const { cancels, deletes, retries, duplicates, endpoints } = options;
	return { ...options, ...CALM, cancels, deletes, retries, duplicates, endpoints };
}
