/** Inputs too large for a row: where their copies are, and for how long. */
import type { Tenant } from "../world/client.ts";
import type { Answer } from "../world/http.ts";
import type { Scenario } from "./scenario.ts";
import { HOUR, MINUTE, SECOND, type Stage } from "./stage.ts";

const REQUESTS = 20;
const LARGE = { messages: [{ role: "user", content: `s ${"x".repeat(40_000)}` }] };
const ADMIN_KEY = "an-admin-token-of-the-simulation";
/** Of three calls, one gets through. */
const LOSSY = { before: 0.3, after: 0.2, late: 0.15, hang: 0 };

/** How many inputs R2 has, and how often one was put. */
function watchInputs({ service }: Stage) {
	const isInput = (key: string) => key.startsWith("inputs/");
	let puts = 0;
	service.bucket.onChange(({ kind, key }) => {
		if (isInput(key) && (kind === "put" || kind === "overwritten")) puts += 1;
	});
	return { puts: () => puts, stored: () => [...service.bucket.objects.keys()].filter(isInput).length };
}

/** Sends a large job under a key of its own, again and again until it is accepted. Returns the accepted jobs, as they come. */
function submitLarge(stage: Stage, { key }: Tenant, requests: number): string[] {
	const jobs: string[] = [];
	for (let request = 1; request <= requests; request++) {
		const headers = { "idempotency-key": `request-${request}` };
		const send = (): void => stage.simulation.http.ask({ method: "POST", path: "/v1/jobs", key, headers, body }, react);
		const body = JSON.stringify({ input: LARGE });
		const react = (answer: Answer): void => {
			if (answer?.code === 202) jobs.push(String(JSON.parse(answer.text).id));
			else stage.world.after(5 * SECOND, send);
		};
		send();
	}
	return jobs;
}

export const INPUTS: readonly Scenario[] = [
	{
		name: "large-inputs",
		promise: "of a large input no copy outlives its job or its tenant, and none is stored for a repeat or a refusal",
		async play(stage) {
			const [tenant, leaver] = [await stage.tenant("one"), await stage.tenant("two")];
			const inputs = watchInputs(stage);
			// Who dies between its put and its write leaves a copy.
			stage.world.current = { ...stage.world.current, database: LOSSY, deaths: 0.3 };
			const jobs = submitLarge(stage, tenant, REQUESTS);
			submitLarge(stage, leaver, REQUESTS);
			await stage.run(2 * MINUTE);
			stage.world.current = { ...stage.world.current, database: stage.world.options.database, deaths: 0 };
			await stage.run(HOUR, () => jobs.length === REQUESTS && jobs.every((id) => stage.work.finalAt.has(id)));
			const before = inputs.puts();
			stage.expect("inputs put for 40 jobs whose responses from D1 are lost", before, { atLeast: 41 });

			submitLarge(stage, tenant, REQUESTS);
			const ask = (method: string, path: string, key: string, more: object = {}) =>
				stage.simulation.http.ask({ method, path, key, ...more }, () => undefined);
			const other = JSON.stringify({ input: LARGE, priority: 1 });
			ask("POST", "/v1/jobs", tenant.key, { headers: { "idempotency-key": "request-1" }, body: other });
			await stage.run(MINUTE);
			stage.expect("inputs put for their repeats", inputs.puts() - before, { atMost: 0 });

			ask("DELETE", `/v1/admin/tenants/${leaver.tenantId}`, ADMIN_KEY);
			for (const id of jobs) ask("DELETE", `/v1/jobs/${id}`, tenant.key);
			await stage.run(MINUTE);
			const ofTenant = () =>
				[...stage.service.bucket.objects.keys()].filter((key) => key.includes(tenant.tenantId)).length;
			stage.expect("objects of erased jobs, a minute after their erasure", ofTenant(), { atMost: 0 });
			await stage.run(HOUR + 5 * MINUTE);
			stage.expect("inputs left, an hour after their tenant's deletion", inputs.stored(), { atMost: 0 });
		},
	},
];
