/** Real calls of DEFAULT_MODEL, which cost money: only with --model. */
import type { Job } from "./caller.ts";
import { describe } from "./caller.ts";
import { type Check, type Outcome, type Run, seconds, skipped } from "./check.ts";
import { CheckFailed, expectThat, until } from "./expect.ts";

const SHORT_WITHIN_SECONDS = 120;
/** A model that reasons uses some hundreds before its first word. */
const SHORT_TOKENS_MAX = 1_024;

export const defaultModel: Check = {
	number: 20,
	name: "The default model",
	async run(run) {
		if (!run.options.model) return skipped("calls a real model: --model");
		const ask = (stream: boolean) => {
			const messages = [{ role: "user", content: "Reply with one word." }];
			return modelCall(run, { messages, stream, max_completion_tokens: SHORT_TOKENS_MAX }, SHORT_WITHIN_SECONDS);
		};
		const [plain, streamed] = await Promise.all([ask(false), ask(true)]);
		return `${plain.model}: plain ${seen(plain)}; streamed ${seen(streamed)}`;
	},
};

/** Cloudflare's proxy gives up on an origin after so long, with a 524. */
const LONG_MS = 100_000;
const LONG_WITHIN_SECONDS = 780;
/** Enough for every model to take minutes. */
const LONG_PROMPT =
	"Write out the numbers from one to three thousand as English words, one a line, without leaving any out.";

export const longModelCall: Check = {
	number: 21,
	name: "A long model call",
	async run(run): Promise<string | Outcome> {
		if (!run.options.model || !run.options.long) return skipped("calls a real model for minutes: --model --long");
		const input = { messages: [{ role: "user", content: LONG_PROMPT }], stream: false };
		const job = await modelCall(run, input, LONG_WITHIN_SECONDS);
		const tookMs = callMs(job);
		if (tookMs < LONG_MS) return skipped(`the call took only ${seconds(tookMs)}, which shows nothing`);
		return seen(job);
	},
};

/** A job that names no model, when it has succeeded. */
async function modelCall({ tenant, signal }: Run, input: object, withinSeconds: number): Promise<Job> {
	const limits = { deadline_seconds: withinSeconds, timeout_seconds: withinSeconds, max_attempts: 1 };
	const { id } = await tenant.submit({ input, ...limits });
	const job = await until(signal, withinSeconds * 1_000 + 90_000, `job ${id} did not end`, async () => {
		const job = await tenant.job(id);
		// A blocked job waits for the operator, who may be reading this.
		return job.finished_at !== null || job.status_reason === "blocked" ? job : null;
	});
	if (job.status !== "succeeded") throw new CheckFailed(whyNot(job));
	expectThat(job.usage !== null, `${describe(job)}, but its usage is unknown`);
	return job;
}

const callMs = ({ attempts = [] }: Job): number => {
	const call = attempts.at(-1);
	return call === undefined ? 0 : Date.parse(call.ended_at) - Date.parse(call.started_at);
};

function seen(job: Job): string {
	const { provider, log_id } = job.attempts?.at(-1) ?? {};
	const log = provider !== "workers-ai" ? "" : log_id == null ? ", no log id" : ", with a log id";
	return `succeeded in ${seconds(callMs(job))} with ${job.usage?.total_tokens} tokens${log}`;
}

/** What to do about a status of the AI Gateway. */
const ADVICE: Record<number, string> = {
	400: "The gateway may refuse its own settings, or the model this input.",
	401: "Check the provider key of the gateway.",
	402: "Buy AI Gateway credits, or store a provider key on the gateway.",
	403: "Check what the provider key may do.",
	429: "Unified billing allows 200 requests a minute; a provider key on the gateway allows more.",
	524: "The call took longer than the gateway waits for a response that is not streamed.",
};

function whyNot(job: Job): string {
	const { status, code, message } = job.attempts?.at(-1) ?? {};
	const call = [status, code, message].filter((detail) => detail != null).join(", ");
	return `${describe(job)}; last call: ${call || "none"}. ${ADVICE[status ?? 0] ?? ""}`.trim();
}
