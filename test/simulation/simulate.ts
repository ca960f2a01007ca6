/** One seed, from an empty database to rest: trouble first, then none, then everything must have come to its end. */

import { DEFAULT_SCOPES } from "../../shared/core/tenants/api-key.ts";
import type { HistoryEvent } from "./history.ts";
import { INVARIANTS } from "./invariants/all.ts";
import { Claims } from "./invariants/claims.ts";
import { hasConverged } from "./invariants/convergence.ts";
import { EndpointPast } from "./invariants/endpoint-past.ts";
import { Ledger } from "./ledger.ts";
import { listenToLogs } from "./logs.ts";
import { Callers, REQUEST_MS_MAX } from "./world/callers.ts";
import type { Tenant } from "./world/client.ts";
import { drain } from "./world/drain.ts";
import { EndpointOwners } from "./world/endpoint-owners.ts";
import { Http } from "./world/http.ts";
import { Operators } from "./world/operators.ts";
import type { Options } from "./world/options.ts";
import { writeAsAnotherVersion } from "./world/other-version.ts";
import { Service } from "./world/service.ts";
import { SqlEngine } from "./world/sql-engine.ts";
import { makeTenant } from "./world/tenant.ts";
import { type Violation, World } from "./world/world.ts";

/** What an invariant can see. */
export interface Simulation {
	world: World;
	service: Service;
	ledger: Ledger;
	history: HistoryEvent[];
	callers: Callers;
	http: Http;
	owners: EndpointOwners;
	operators: Operators;
	tenants: Tenant[];
	claims: Claims;
	endpoints: EndpointPast;
	/** By job: the first word of its prompt. */
	prompts: Map<string, string>;
}

export interface Report {
	seed: number;
	options: Options;
	violations: Violation[];
	hash: string;
	lines: readonly string[];
	history: HistoryEvent[];
	virtualMs: number;
}

/** From the end of all faults: longer than a lease, an hourly redispatch, and the five hours before a webhook's sixth attempt. */
const CONVERGE_MS_MAX = 7 * 3_600_000;
/** Longer than any invocation lives, and than a tombstone waits: afterwards no zombie is left. */
const REST_MS = 22 * 60_000;

let engine: SqlEngine | null = null;

export async function simulate(
	seed: number,
	{ overrides = {}, trace = false }: { overrides?: Partial<Options>; trace?: boolean } = {},
): Promise<Report> {
	const world = new World(seed, { overrides, trace });
	const stopListening = listenToLogs(world);
	try {
		const simulation = await begin(world);
		const ends = INVARIANTS.map((watch) => watch(simulation));
		await world.run(world.options.faultsMs);
		world.endFaults();
		simulation.operators.liftLimits();
		await converge(simulation);
		if (simulation.callers.stop()) {
			await world.run(REQUEST_MS_MAX);
			await converge(simulation);
		}
		await world.run(world.dice.chance(0.1) ? REST_MS : 0);
		// An intake that was paused may have stored a job since, to be run later than this rest is long.
		await converge(simulation);
		await drain(simulation);
		if (world.violations.length === 0) for (const checkEnd of ends) checkEnd?.();
		return reportOf(seed, simulation);
	} finally {
		stopListening();
	}
}

async function converge(simulation: Simulation): Promise<void> {
	const { world } = simulation;
	const isOver = await world.run(CONVERGE_MS_MAX + world.jumpedMs, () => hasConverged(simulation));
	if (!isOver && world.violations.length === 0)
		world.violate("L1", "hours after the last fault something is still open");
}

export async function begin(world: World): Promise<Simulation> {
	engine ??= new SqlEngine();
	const service = new Service(world, engine);
	const ledger = new Ledger();
	service.database.onCommit((changes, by) => ledger.commit(changes, by));
	const tenants: Tenant[] = [];
	for (let number = 1; number <= world.options.tenants; number++) tenants.push(await aTenant(service));
	service.model.hostileTenant = tenants[0]?.tenantId ?? "";
	const history: HistoryEvent[] = [];
	const http = new Http(service);
	const callers = new Callers(world, http, history, tenants);
	const owners = new EndpointOwners(service, callers, tenants);
	const operators = new Operators(service, http, tenants);
	const claims = new Claims(world, ledger);
	const endpoints = new EndpointPast(world, ledger);
	writeAsAnotherVersion(service, ledger);
	const people = { callers, owners, operators, tenants };
	return { world, service, ledger, history, http, ...people, claims, endpoints, prompts: new Map() };
}

async function aTenant(service: Service): Promise<Tenant> {
	const { db, tenantId, secret, keyWith } = await makeTenant(service, "a tenant");
	const key = await keyWith(DEFAULT_SCOPES);
	// Noting when a key was used is no part of any job's way: here it is noted for good.
	await db.all("test", { sql: "UPDATE api_keys SET last_used_at = ?1", params: [Number.MAX_SAFE_INTEGER] });
	return { tenantId, key, secret };
}

function reportOf(seed: number, { world, history }: Simulation): Report {
	return {
		seed,
		options: world.options,
		violations: world.violations,
		hash: world.trace.hash,
		lines: world.trace.lines,
		history,
		virtualMs: world.now,
	};
}
