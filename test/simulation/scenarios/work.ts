/** What each job cost, counted from what was committed, sent and called. */
import type { Ledger } from "../ledger.ts";
import type { Service } from "../world/service.ts";

class Counts {
	readonly #byJob = new Map<string, number>();

	add(jobId: string): void {
		this.#byJob.set(jobId, this.of(jobId) + 1);
	}

	of(jobId: string): number {
		return this.#byJob.get(jobId) ?? 0;
	}

	get total(): number {
		return [...this.#byJob.values()].reduce((sum, count) => sum + count, 0);
	}

	/** Of the job that has most. */
	get max(): number {
		return Math.max(0, ...this.#byJob.values());
	}
}

export class Work {
	readonly leases = new Counts();
	/** Changes of the job's row after it was inserted. */
	readonly rowUpdates = new Counts();
	/** Messages that a queue took, new or retried. */
	readonly messages = new Counts();
	readonly calls = new Counts();
	/** Calls that the provider answered, and is paid for. */
	readonly answers = new Counts();
	/** Posts to receivers, by delivery. */
	readonly posts = new Counts();
	/** When each job's first call began. */
	readonly firstCallAt = new Map<string, number>();
	readonly finalAt = new Map<string, number>();

	constructor(service: Service, ledger: Ledger) {
		ledger.on("jobs", ({ id, before, after }) => {
			if (before === null || after === null) return;
			this.rowUpdates.add(id);
			if (after.fence !== before.fence) this.leases.add(id);
			if (before.finished_at === null && after.finished_at !== null) this.finalAt.set(id, service.world.now);
		});
		service.jobQueue.onAccepted((body) => this.messages.add(Reflect.get(Object(body), "jobId")));
		service.deliveryQueue.onAccepted((body) => this.messages.add(Reflect.get(Object(body), "deliveryId")));
		service.model.onCall(({ jobId, at }) => {
			this.calls.add(jobId);
			if (!this.firstCallAt.has(jobId)) this.firstCallAt.set(jobId, at);
		});
		service.model.onAnswer(({ jobId }) => this.answers.add(jobId));
		service.receivers.onPost(({ webhookId }) => this.posts.add(webhookId));
	}
}
