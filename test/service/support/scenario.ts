/**
 * One test's share of the service: models of its own, the jobs it submitted, and the account that every test must
 * balance in the end: the calls that the provider saw are the attempts that the caller sees, no more and no less.
 */
import { test as base, expect, inject } from "vitest";
import type { JobBody } from "../../../shared/api/job.ts";
import { Api } from "./api.ts";
import { openScriptedProvider, type ScriptedProvider } from "./scripted-provider.ts";

export interface Scenario {
	api: Api;
	provider: ScriptedProvider;
	/** A model that only this test knows; `unpaid/…` models are asked with a credential of their own. */
	model(name: `${"scripted" | "unpaid" | "gateway"}/${string}`): string;
	/** Submits a short prompt, unless the job says otherwise. */
	submit(job: { model: string | string[] } & Record<string, unknown>): Promise<JobBody>;
}

/** What a test left behind: looked at when it ends, and again when its file ends, in case a call came later. */
interface Account {
	jobs: string[];
	models: string[];
}

export const PROMPT = { messages: [{ role: "user", content: "Why?" }] };

export const it = base
	.extend("address", { scope: "file" }, () => inject("service"))
	.extend("service", { scope: "file" }, async ({ address }, { onCleanup }) => {
		const api = new Api(address);
		const provider = await openScriptedProvider(address.providerPort);
		const accounts: Account[] = [];
		onCleanup(async () => {
			try {
				for (const account of accounts) await expectBalanced(api, provider, account);
			} finally {
				provider.close();
			}
		});
		return { api, provider, accounts };
	})
	.extend("scenario", async ({ service, task }, { onCleanup }): Promise<Scenario> => {
		const { api, provider, accounts } = service;
		const account: Account = { jobs: [], models: [] };
		accounts.push(account);
		onCleanup(async () => {
			// What a test did not see to its end must not call any more.
			for (const id of account.jobs) await api.cancel(id);
			await expectBalanced(api, provider, account);
		});
		return {
			api,
			provider,
			model(name) {
				const model = `${name}-${task.id}`;
				account.models.push(model);
				return model;
			},
			async submit(given) {
				const job = await api.submit({ input: PROMPT, ...given });
				account.jobs.push(job.id);
				return job;
			},
		};
	});

async function expectBalanced(api: Api, provider: ScriptedProvider, { jobs, models }: Account): Promise<void> {
	const attempts = (await Promise.all(jobs.map((id) => api.attempts(id)))).flat();
	// An entry that says so stands for the refused calls and the one without.
	const repeats = (message: string | null) => (message ?? "").split("the call was repeated without it.").length - 1;
	const recorded = attempts.flatMap(({ model, message }) => Array.from({ length: 1 + repeats(message) }, () => model));
	const seen = provider.callsOf(...models).map(({ model }) => model);
	expect(recorded.sort(), "attempts recorded, against calls seen").toEqual(seen.sort());
}
