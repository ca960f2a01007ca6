/** What a page does with the client. Runs in the browser, where the service's origin is the page's own. */
import { Holdfast, JobCancelled, NotFound, Unauthorized } from "../../client/index.ts";

const input = { messages: [{ role: "user" as const, content: "Why is the sky blue?" }] };
const later = { input, delay_seconds: 3_600 };

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
	const list = [];
	for await (const item of items) list.push(item);
	return list;
}

const caught = (promise: Promise<unknown>) => promise.catch((error: unknown) => error);

/** The client with the session's cookie instead of a key. */
export async function signedInStory(key: string): Promise<Record<string, unknown>> {
	const holdfast = new Holdfast();
	await holdfast.signIn(key);
	const found = await clientStory(holdfast, "cookie");
	await holdfast.signOut();
	const error = await caught(holdfast.session());
	if (!(error instanceof Unauthorized)) throw new Error("The session goes on after its end.");
	return found;
}

export const keyStory = (apiKey: string) => clientStory(new Holdfast({ apiKey }), "key");

async function clientStory(holdfast: Holdfast, by: string): Promise<Record<string, unknown>> {
	const metadata = { by };
	const { jobs } = holdfast;
	const submitted = await jobs.submit({ input, metadata });
	const seen = await all(jobs.watch(submitted.id));
	const { text, job } = await jobs.run({ input, metadata });
	const ended = await all(
		holdfast.batch(
			[0, 1, 2].map(() => ({ input, metadata })),
			{ concurrency: 2 },
		),
	);
	const listed = await all(jobs.list({ metadata, status: "succeeded", limit: 2 }));
	const once = await Promise.all([0, 1].map(() => jobs.submit(later, { idempotencyKey: submitted.id })));
	const again = await jobs.retry(job.id, { delay_seconds: 3_600 });
	await jobs.cancel(again.id);
	const cancelled = await caught(jobs.answer(await jobs.wait(again)));
	await jobs.delete(again.id);
	const leaving = new AbortController();
	const aborted = caught(jobs.wait(once[0]?.id ?? "", { signal: leaving.signal, cancelOnAbort: true }));
	leaving.abort("enough");
	return {
		last: seen.at(-1)?.status,
		text: text.slice(0, 26),
		batch: ended.filter(({ ok }) => ok).length,
		listed: listed.length,
		once: new Set(once.map(({ id }) => id)).size,
		cancelled: cancelled instanceof JobCancelled,
		erased: (await caught(jobs.get(again.id))) instanceof NotFound,
		aborted: await aborted,
		left: (await jobs.get(once[0]?.id ?? "")).status,
	};
}
