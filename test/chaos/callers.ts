/** What each job's caller does: submits until answered, looks, waits, cancels, reads the result and reads it again. */
import { setTimeout as sleep } from "node:timers/promises";
import { FINAL_STATUSES } from "../simulation/history.ts";
import { type JobSeen, shaOf } from "../simulation/world/client.ts";
import { atMost } from "./at-most.ts";
import type { Client } from "./client.ts";
import type { PlannedJob } from "./planned-job.ts";

/** Between two tries without an answer. It grows: otherwise all callers together would keep a recovering service down. */
const AGAIN_MS = 700;
const AGAIN_MS_MAX = 10_000;
/** Between two looks at a job that waits. */
const LOOK_MS_MAX = 20_000;
const GROWTH = 1.5;
/**
 * Requests of all callers together. More would only be late: a machine that is too busy to answer in time still works on
 * what its callers gave up on, and never catches up.
 */
const LINES = 40;
const WAIT_SECONDS = 8;

/** @param clientNamed a line of its own for everything that happens at the same time */
export class Callers {
	readonly #clientNamed: (name: string) => Client;
	readonly #over: AbortSignal;
	readonly #inTurn = atMost(LINES);

	constructor(clientNamed: (name: string) => Client, over: AbortSignal) {
		this.#clientNamed = clientNamed;
		this.#over = over;
	}

	/** Resolves when the caller has seen the end of its job, or has gone away. */
	async live(planned: PlannedJob): Promise<void> {
		const { tag, atMs, isDoubled, cancelAfterMs } = planned;
		await this.#pause(atMs);
		const [job] = await Promise.all([
			this.#submit(this.#clientNamed(tag), planned),
			isDoubled ? this.#submit(this.#clientNamed(`${tag} doubled`), planned) : null,
		]);
		if (job === null) return;
		await Promise.all([
			this.#follow(this.#clientNamed(tag), job, planned),
			cancelAfterMs === null ? null : this.#cancel(this.#clientNamed(`${tag} cancels`), job, cancelAfterMs),
		]);
	}

	/** The same request until it is answered: until then there may be a job, or not. */
	async #submit(client: Client, { tag, key, body, wants, givesUp }: PlannedJob): Promise<JobSeen | null> {
		const facts = { op: "submit" as const, tag, key, fingerprint: shaOf(body), wants };
		for (let waitMs = AGAIN_MS; !this.#over.aborted; waitMs = Math.min(AGAIN_MS_MAX, waitMs * GROWTH)) {
			const asked = { method: "POST" as const, path: "/v1/jobs", headers: { "idempotency-key": key }, body };
			const { answer, job } = await this.#inTurn(() => client.ask(asked, facts));
			if (job !== null) return job;
			if (answer !== null && answer.code < 500) throw new Error(`${tag} was refused: ${answer.code} ${answer.text}`);
			if (givesUp) return null;
			await this.#pause(waitMs);
		}
		return null;
	}

	async #follow(client: Client, { id }: JobSeen, planned: PlannedJob): Promise<void> {
		const hold = { headers: { prefer: `wait=${WAIT_SECONDS}` }, patienceMs: (WAIT_SECONDS + 4) * 1_000 };
		const look = { path: `/v1/jobs/${id}`, ...(planned.waits ? hold : {}) };
		let status = "";
		let waitMs = planned.lookAfterMs;
		while (!FINAL_STATUSES.includes(status)) {
			if (this.#over.aborted) return;
			await this.#pause(waitMs);
			const { job } = await this.#inTurn(() => client.ask(look, { op: "get", job: id }));
			status = job?.status ?? status;
			waitMs = Math.min(LOOK_MS_MAX, waitMs * GROWTH);
		}
		if (planned.cancelsTooLate) await this.#cancel(client, { id }, 0);
		if (status !== "succeeded") return;
		for (const afterMs of [0, ...planned.readAgainAfterMs]) {
			await this.#pause(afterMs);
			await this.#inTurn(() => client.ask({ path: `/v1/jobs/${id}/result` }, { op: "result", job: id }));
		}
	}

	/** Once: without an answer, the job is left to run. */
	async #cancel(client: Client, { id }: Pick<JobSeen, "id">, afterMs: number): Promise<void> {
		await this.#pause(afterMs);
		const asked = { method: "POST" as const, path: `/v1/jobs/${id}/cancel` };
		await this.#inTurn(() => client.ask(asked, { op: "cancel", job: id }));
	}

	/** Shorter when everything is over. */
	async #pause(ms: number): Promise<void> {
		await sleep(ms, undefined, { signal: this.#over }).catch(() => undefined);
	}
}
