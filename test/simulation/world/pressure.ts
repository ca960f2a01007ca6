/** Throws what puts the service under pressure of one kind, in some of the seeds. */
import type { Dice } from "./dice.ts";
import { CALM, NO_PRESSURE, type Options, OUT, OUTAGE, type Pressure } from "./options.ts";

const KINDS = ["refusedPuts", "longWaits", "otherVersions", "allowance", "schedule", "singleFault", "hostile"] as const;
const HOSTILITIES = ["cut", "throttled", "blocked", "broken", "rejected", "flood"] as const;
const DEFAULT_SCHEDULE = "0,5,300,1800,7200,18000,36000,50400,72000,86400";

/** Each for a while, in a world where nothing else goes wrong. */
const FAULTS: readonly Partial<Options>[] = [
	{ database: OUT },
	{ database: OUTAGE },
	{ storage: OUT },
	{ storageWrites: OUT },
	{ queueCalls: OUT },
	{ messages: { lost: 1, repeated: 0, delayed: 0, early: 0 } },
	{ deaths: 0.5 },
	{ pauses: 0.3 },
	{ modelFailures: 1 },
	{ modelHangs: 1 },
	{ endpointFailures: 1 },
];

/** From dice of their own: most worlds are what they are without it. */
export function throwPressure(dice: Dice): Pressure & Partial<Options> {
	if (!dice.chance(0.2)) return NO_PRESSURE;
	return { ...NO_PRESSURE, tenants: dice.between(2, 3), ...throwKind(dice) };
}

function throwKind(dice: Dice): Partial<Options> {
	switch (dice.pick(KINDS)) {
		case "refusedPuts":
			return { refusedPuts: { fromMs: dice.between(0, 300_000), forMs: dice.between(60_000, 1_200_000) } };
		case "longWaits":
			return { longWaits: 0.3, modelFailures: dice.next() };
		case "otherVersions":
			return { otherVersions: dice.next() };
		case "allowance":
			return { allowanceMs: dice.pick([1_000, 5_000, 20_000]), jobs: dice.between(20, 40), modelFailures: 0 };
		case "schedule":
			return { deliverySchedule: DEFAULT_SCHEDULE };
		case "singleFault": {
			const span = { fromMs: dice.between(0, 300_000), forMs: dice.between(15_000, 300_000) };
			return { ...CALM, faultsMs: 900_000, leaseSeconds: 90, singleFault: { ...span, faults: dice.pick(FAULTS) } };
		}
		case "hostile":
			return { ...CALM, jobs: dice.between(30, 60), leaseSeconds: 90, hostile: dice.pick(HOSTILITIES) };
	}
}
