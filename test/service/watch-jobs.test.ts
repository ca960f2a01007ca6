import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, inject, it, onTestFinished, vi } from "vitest";
import { watchJobs } from "../../scripts/lib/progress/watch-jobs.ts";
import { Api } from "./support/api.ts";

it("shows in the terminal, beside the running service, that a job comes and goes", async () => {
	const { stateDir, ...service } = inject("service");
	const api = new Api(service);
	const lines: string[] = [];
	onTestFinished(watchJobs(stateDir, (line) => lines.push(line)));
	const { id } = await api.submit({ model: "scripted/none", input: { messages: [] }, delay_seconds: 600 });
	await vi.waitFor(() => expect(lines).toContainEqual(`${id} queued`), { timeout: 10_000 });
	await api.fetch(`/v1/jobs/${id}/cancel`, { method: "POST" });
	const ended = expect.stringMatching(new RegExp(`^${id} cancelled in [\\d.]+ m?s`));
	await vi.waitFor(() => expect(lines).toContainEqual(ended), { timeout: 10_000 });
});

it("says in one line that jobs cannot be shown, and throws nothing", () => {
	const lines: string[] = [];
	watchJobs(join(tmpdir(), "holdfast-nowhere"), (line) => lines.push(line))();
	expect(lines).toEqual([expect.stringMatching(/^Jobs .* are not shown here: ENOENT/)]);
});
