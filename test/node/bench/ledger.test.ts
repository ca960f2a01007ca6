import { describe, expect, it } from "vitest";
import {
	between,
	bytesLogged,
	dollarsPerMillion,
	emptyAccount,
	type Ledger,
	logDollarsPerMillion,
	perJob,
	totalOf,
} from "../../bench/ledger.ts";
import { quantile } from "../../bench/statistics.ts";

const spending = (spent: Partial<ReturnType<typeof emptyAccount>["spent"]>) => ({
	spent: { ...emptyAccount().spent, ...spent },
	d1: {},
});

describe("the ledger", () => {
	it("bills a million jobs by the price list, count by count", () => {
		const { spent } = spending({ rowsWritten: 8, rowsRead: 80, queueWrites: 2, queueReads: 2, queueDeletes: 2 });
		// 8 rows at $1, 80 at $0.001, 6 queue operations at $0.40, and 10 ms of CPU at $0.02.
		expect(dollarsPerMillion(spent, 10)).toBeCloseTo(8 + 0.08 + 2.4 + 0.2);
		expect(dollarsPerMillion(spending({ r2ClassA: 1, r2ClassB: 1, invocations: 1 }).spent, 0)).toBeCloseTo(5.16);
	});

	it("bills the steps of a Workflow", () => {
		expect(dollarsPerMillion(spending({ workflowSteps: 3 }).spent, 0)).toBeCloseTo(24);
	});

	it("bills logs by the gigabyte: taken in, and stored for seven days of thirty", () => {
		const { spent } = spending({ logBytes: 300, logLines: 2, invocations: 1.1 });
		expect([bytesLogged(spent, false), bytesLogged(spent, true)]).toEqual([2_300, 3_400]);
		// A million jobs of 3 KB are 3 GB, of which a month stores 0.7.
		expect(logDollarsPerMillion(3_000)).toBeCloseTo(3 * 0.25 + 0.7 * 0.1);
	});

	it("counts what lies between two looks, whatever appeared meanwhile", () => {
		const before: Ledger = { intake: spending({ rowsRead: 3 }) };
		const after: Ledger = { intake: spending({ rowsRead: 9 }), consumer: spending({ rowsRead: 1 }) };
		const passed = between(before, after);
		expect([passed.intake?.spent.rowsRead, passed.consumer?.spent.rowsRead]).toEqual([6, 1]);
	});

	it("leaves the sweeper out of what a job costs, for it sweeps by the clock", () => {
		const ledger: Ledger = { consumer: spending({ rowsWritten: 8 }), sweeper: spending({ rowsWritten: 100 }) };
		expect(perJob(totalOf(ledger), 2).rowsWritten).toBe(4);
	});
});

describe("quantile", () => {
	it("is a sample that was taken, whatever their number", () => {
		expect([quantile([3, 1, 2], 0.5), quantile([1], 0.99), quantile([1, 2], 1)]).toEqual([2, 1, 2]);
	});
});
