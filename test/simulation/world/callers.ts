/** What callers do with the service while it is in trouble: submit, twice or again, poll, cancel, erase, run again. */

import type { HistoryEvent } from "../history.ts";
import { FINAL_STATUSES } from "../history.ts";
import { Client, type JobSeen, shaOf, type Tenant } from "./client.ts";
import type { Http } from "./http.ts";
import { type Submission, throwSubmission } from "./submission.ts";
import type { World } from "./world.ts";

/** How long a caller waits until it asks again after no answer, or a 5xx. */
const AGAIN_MS = 20_000;
const TRIES_MAX = 4;
const BURSTS = 4;
/** All at once, or within seconds. */
const BURST_MS = [0, 0, 1_000, 10_000] as const;
const DAY_MS = 86_400_000;
/** After so long a request has had its effect, or will have none. */
export const REQUEST_MS_MAX = 120_000;

export class Callers {
	readonly submissions = new Map<string, Submission & { tenantId: string }>();
	readonly #world: World;
	readonly #http: Http;
	readonly #history: HistoryEvent[];
	readonly #tenants: readonly Tenant[];
	#clients = 0;
	#isOver = false;
	#submittedAt = Number.NEGATIVE_INFINITY;

	constructor(world: World, http: Http, history: HistoryEvent[], tenants: readonly Tenant[]) {
		this.#world = world;
		this.#http = http;
		this.#history = history;
		this.#tenants = tenants;
		for (let number = 1; number <= world.options.jobs; number++) {
			world.after(this.#throwTime(), () => this.#submitNew(`s${number}`));
		}
	}

	/** At any time; where limits are to be met, all about one of few moments. */
	#throwTime(): number {
		const { dice, options } = this.#world;
		const early = options.faultsMs * 0.7;
		return options.limitChanges === 0 && options.allowanceMs === null && options.hostile === null
			? dice.next() * early
			: (dice.between(0, BURSTS - 1) / BURSTS) * early + dice.next() * dice.pick(BURST_MS);
	}

	/** No further job is asked for. True: the last request for one may still be in flight, though its caller gave it up. */
	stop(): boolean {
		this.#isOver = true;
		return this.#world.now - this.#submittedAt < REQUEST_MS_MAX;
	}

	client(tenant: Tenant): Client {
		this.#clients += 1;
		return new Client(this.#world, this.#http, this.#history, `c${this.#clients}`, tenant);
	}

	#submitNew(tag: string): void {
		const { dice, options } = this.#world;
		const tenant = dice.pick(this.#tenants);
		const submission = throwSubmission(dice, tag, {
			tenant: tenant.tenantId,
			asksForStart: options.endpoints > 0,
			isUrgent: options.limitChanges > 0,
			isCut: options.hostile === "cut" && tenant === this.#tenants[0],
			isShort: options.longWaits > 0 || options.hostile !== null,
		});
		this.submissions.set(tag, { ...submission, tenantId: tenant.tenantId });
		this.#submit(this.client(tenant), submission, 1);
		if (submission.key === null || !dice.chance(options.duplicates)) return;
		// At once, while the first is in flight, or long after.
		this.#world.after(dice.pick([0, 50, 5_000, 300_000]), () => this.#submit(this.client(tenant), submission, 1));
		if (dice.chance(0.2)) {
			const other = { ...submission, body: submission.body.replace("alpha/one", "alpha/other") };
			this.#world.after(dice.between(0, 60_000), () => this.#submit(this.client(tenant), other, TRIES_MAX));
		}
	}

	#submit(client: Client, submission: Submission, tried: number): void {
		if (this.#isOver) return;
		this.#submittedAt = this.#world.now;
		const { tag, key, body, wants } = submission;
		const retainMs = this.#keptMs(submission);
		const facts = {
			op: "submit" as const,
			tag,
			wants,
			retainMs,
			...(key === null ? {} : { key, fingerprint: shaOf(body) }),
		};
		const headers: Record<string, string> = key === null ? {} : { "idempotency-key": key };
		if (this.#world.dice.chance(0.1)) headers.prefer = "wait=10";
		client.ask({ method: "POST", path: "/v1/jobs", headers, body }, facts, (answer, job) => {
			if (job !== null) return this.#follow(client, job);
			const isRefused = answer !== null && answer.code < 500;
			// Without a key a second submission might be a second job: a careful caller stops.
			if (isRefused || key === null || tried >= TRIES_MAX) return;
			this.#world.after(AGAIN_MS, () => this.#submit(client, submission, tried + 1));
		});
	}

	/** From the 202 on: looks now and then, and does whatever else the dice have in mind for this job. */
	#follow(client: Client, job: JobSeen): void {
		const { dice, options } = this.#world;
		const { id } = job;
		const later = (ms: number, act: () => void) => this.#world.after(ms, act);
		if (dice.chance(options.cancels)) later(dice.skewed(0, 400_000), () => this.#cancel(client, id));
		// Too soon, most likely: an open job is not erased.
		if (dice.chance(options.deletes / 3)) later(dice.skewed(0, 100_000), () => this.#erase(client, id, TRIES_MAX));
		if (dice.chance(0.1)) later(dice.between(0, 60_000), () => this.#pry(client.tenant, id));
		later(dice.between(1_000, 60_000), () => this.#look(client, id, 5));
	}

	/** Another tenant knows the id. */
	#pry(owner: Tenant, id: string): void {
		const client = this.client(this.#tenants.find((tenant) => tenant !== owner) ?? owner);
		client.ask({ method: "GET", path: `/v1/jobs/${id}` }, { op: "get", job: id });
		this.#readResult(client, id);
	}

	#look(client: Client, id: string, left: number): void {
		const { dice } = this.#world;
		const prefer: Record<string, string> = dice.chance(0.1) ? { prefer: "wait=20" } : {};
		client.ask({ method: "GET", path: `/v1/jobs/${id}`, headers: prefer }, { op: "get", job: id }, (_answer, job) => {
			if (job !== null && FINAL_STATUSES.includes(job.status)) return this.#afterTheEnd(client, job);
			if (left > 0) this.#world.after(dice.between(5_000, 300_000), () => this.#look(client, id, left - 1));
		});
	}

	#afterTheEnd(client: Client, job: JobSeen): void {
		const { dice, options } = this.#world;
		const { id, status } = job;
		if (status === "succeeded") this.#readResult(client, id);
		if (dice.chance(options.retries)) this.#runAgain(client, job);
		if (dice.chance(options.deletes)) this.#world.after(dice.skewed(0, 120_000), () => this.#erase(client, id, 1));
		// Too late, or a last look: nothing may have changed.
		if (dice.chance(0.3)) this.#world.after(dice.between(0, 60_000), () => this.#cancel(client, id));
		if (dice.chance(0.3)) this.#world.after(dice.between(0, 300_000), () => this.#readResult(client, id));
	}

	/** How long a job is kept at least: where the database's clock jumps, a short time may be over at once. */
	#keptMs({ retainMs }: Submission): number {
		return this.#world.options.jumps > 0 && retainMs < DAY_MS ? 0 : retainMs;
	}

	#readResult(client: Client, id: string): void {
		client.ask({ method: "GET", path: `/v1/jobs/${id}/result` }, { op: "result", job: id });
	}

	#erase(client: Client, id: string, tried: number): void {
		client.ask({ method: "DELETE", path: `/v1/jobs/${id}` }, { op: "delete", job: id }, (answer) => {
			const isOver = answer !== null && answer.code < 500;
			if (!isOver && tried < TRIES_MAX) this.#world.after(AGAIN_MS, () => this.#erase(client, id, tried + 1));
		});
	}

	#cancel(client: Client, id: string): void {
		client.ask({ method: "POST", path: `/v1/jobs/${id}/cancel` }, { op: "cancel", job: id });
	}

	/** A new job of its own tag, and otherwise as the old one was submitted. */
	#runAgain(client: Client, { id, metadata }: JobSeen): void {
		const old = this.submissions.get(metadata.tag ?? "");
		if (old === undefined || this.#isOver) return;
		this.#submittedAt = this.#world.now;
		const tag = `r${this.#history.length}`;
		const { wants } = old;
		const retainMs = this.#keptMs(old);
		this.submissions.set(tag, { ...old, tag, key: null });
		const body = JSON.stringify({ metadata: { tag } });
		const path = `/v1/jobs/${id}/retry`;
		client.ask({ method: "POST", path, body }, { op: "submit", tag, wants, retainMs }, (_answer, job) => {
			if (job !== null) this.#follow(client, job);
		});
	}
}
