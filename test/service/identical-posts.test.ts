/**
 * Many callers with one request at the same time, over and over. By hand, a thousand times:
 * `IDENTICAL_ROUNDS=1000 npx vitest run --project service test/service/identical-posts.test.ts`
 */
import { expect, inject, it } from "vitest";
import { z } from "zod";
import { Api } from "./support/api.ts";

const ROUNDS = Number(process.env.IDENTICAL_ROUNDS ?? 20);
const AT_ONCE = 100;
const ROUND_MS_MAX = 5_000;

const Job = z.object({ id: z.string() });
const Page = z.object({ data: z.array(Job) });

it(
	`makes one job of ${AT_ONCE} identical requests at once with one key, ${ROUNDS} times over`,
	async () => {
		const api = new Api(inject("service"));
		for (let round = 1; round <= ROUNDS; round++) {
			const metadata = { round: `${round}` };
			// Stays queued for as long as anybody looks.
			const body = JSON.stringify({ model: "scripted/none", input: { messages: [] }, delay_seconds: 86_400, metadata });
			const headers = { "idempotency-key": `identical-${round}` };
			const post = () => api.fetch("/v1/jobs", { method: "POST", body, headers });
			const answers = await Promise.all(Array.from({ length: AT_ONCE }, post));
			const ids = await Promise.all(answers.map(async (answer) => Job.parse(await answer.json()).id));
			const replayed = answers.filter((answer) => answer.headers.get("idempotent-replayed") === "true");
			const listed = await api.fetch(`/v1/jobs?metadata[round]=${round}`);
			const stored = Page.parse(await listed.json()).data.map(({ id }) => id);
			expect({
				round,
				statuses: [...new Set(answers.map(({ status }) => status))],
				ids: [...new Set(ids)],
				replayed: replayed.length,
			}).toEqual({ round, statuses: [202], ids: stored, replayed: AT_ONCE - 1 });
			expect(stored).toHaveLength(1);
		}
	},
	60_000 + ROUNDS * ROUND_MS_MAX,
);
