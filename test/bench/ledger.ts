/** What the platform's parts were asked for, by actor, and what that costs. */
import { PRICES } from "./prices.ts";

/** Zero of everything that is counted. */
const NOTHING = {
	invocations: 0,
	/** Round trips: a batch of statements is one. */
	d1Calls: 0,
	d1Statements: 0,
	rowsRead: 0,
	rowsWritten: 0,
	r2ClassA: 0,
	r2ClassB: 0,
	/** Messages written, and those read and deleted on the consumer's side. */
	queueWrites: 0,
	queueReads: 0,
	queueDeletes: 0,
	fetches: 0,
	logLines: 0,
	/** As the lines are written, in UTF-8. */
	logBytes: 0,
	workflowSteps: 0,
};

export type Spent = typeof NOTHING;

/** The calls to D1 of one name; a transaction of several calls counts under the first. */
interface D1Calls {
	calls: number;
	rowsRead: number;
	rowsWritten: number;
	/** Inside SQLite, as D1 reports it. */
	sqlMs: number;
}

export interface Account {
	spent: Spent;
	d1: Record<string, D1Calls>;
}

/** By actor. */
export type Ledger = Record<string, Account>;

export function emptyAccount(): Account {
	return { spent: { ...NOTHING }, d1: {} };
}

/** What was spent from `before` to `after`, by actor. */
export function between(before: Ledger, after: Ledger): Ledger {
	return Object.fromEntries(
		Object.entries(after).map(([actor, account]) => [
			actor,
			{ spent: minus(account.spent, before[actor]?.spent), d1: callsBetween(before[actor]?.d1 ?? {}, account.d1) },
		]),
	);
}

function callsBetween(before: Account["d1"], after: Account["d1"]): Account["d1"] {
	const nothing: D1Calls = { calls: 0, rowsRead: 0, rowsWritten: 0, sqlMs: 0 };
	const passed = Object.entries(after).map(([what, calls]) => {
		const { calls: known, rowsRead, rowsWritten, sqlMs } = before[what] ?? nothing;
		const more = {
			calls: calls.calls - known,
			rowsRead: calls.rowsRead - rowsRead,
			rowsWritten: calls.rowsWritten - rowsWritten,
			sqlMs: calls.sqlMs - sqlMs,
		};
		return [what, more] as const;
	});
	return Object.fromEntries(passed.filter(([, { calls }]) => calls > 0));
}

function minus(after: Spent, before: Spent | undefined): Spent {
	return mapSpent((name) => after[name] - (before?.[name] ?? 0));
}

/** Of all actors but those who work by the clock, whatever the number of jobs. */
export function totalOf(ledger: Ledger, except: readonly string[] = ["sweeper"]): Spent {
	const counted = Object.entries(ledger).filter(([actor]) => !except.includes(actor));
	return mapSpent((name) => counted.reduce((sum, [, { spent }]) => sum + spent[name], 0));
}

export function perJob(spent: Spent, jobs: number): Spent {
	return mapSpent((name) => spent[name] / jobs);
}

function mapSpent(value: (name: keyof Spent) => number): Spent {
	const spent = { ...NOTHING };
	for (const name of spentNames) spent[name] = value(name);
	return spent;
}

const isSpent = (name: string): name is keyof Spent => name in NOTHING;
const spentNames = Object.keys(NOTHING).filter(isSpent);

export function queueOps({ queueWrites, queueReads, queueDeletes }: Spent): number {
	return queueWrites + queueReads + queueDeletes;
}

/** Assumed: the platform adds to each event its timestamp, request, Worker, version and outcome, and repeats the message. */
const LOG_EVENT_BYTES = 1_000;
/** Workers Logs keep an event for seven days; storage is billed by the average of a month's days. */
const MONTHS_STORED = 7 / 30;

/** What Workers Logs take in of a job: each line, and one event for each invocation where `invocation_logs` is on. */
export function bytesLogged({ logBytes, logLines, invocations }: Spent, logsInvocations: boolean): number {
	return logBytes + LOG_EVENT_BYTES * (logLines + (logsInvocations ? invocations : 0));
}

/** What logs of so many bytes a job cost, for a million jobs. */
export function logDollarsPerMillion(bytes: number): number {
	return bytes * (PRICES.logBytesIngested.perMillion + MONTHS_STORED * PRICES.logBytesStored.perMillion);
}

/** What a million jobs cost without logs and storage, of which each spends this and so many milliseconds of CPU. */
export function dollarsPerMillion(spent: Spent, cpuMs: number): number {
	const bill: [keyof typeof PRICES, number][] = [
		["rowsRead", spent.rowsRead],
		["rowsWritten", spent.rowsWritten],
		["r2ClassA", spent.r2ClassA],
		["r2ClassB", spent.r2ClassB],
		["queueOps", queueOps(spent)],
		["invocations", spent.invocations],
		["cpuMs", cpuMs],
		["workflowSteps", spent.workflowSteps],
	];
	return bill.reduce((sum, [name, count]) => sum + count * PRICES[name].perMillion, 0);
}
