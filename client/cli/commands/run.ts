/** `holdfast run`. */
import type { Command } from "commander";
import { count, duration, list, modelsOf } from "../arguments.ts";
import { UsageError } from "../exit-codes.ts";
import { type RunFlags, startRun } from "../run/start-run.ts";
import type { CliSession } from "../session.ts";

const HELP = `
A line of the input is a text, {"prompt"} or {"messages"} with further fields of a chat completion, a submission {"input"}, a line of
an OpenAI batch {"custom_id", "body"}, or with --prompt any object. Run the same command again to resume: a journal beside the
output, with .run after its name, knows what was sent.`;

const CONCURRENCY = 64;
const CONCURRENCY_MAX = 1_000;
const PLAIN = /^[\w@%+=:,./-]+$/;

interface Given extends Omit<RunFlags, "model"> {
	model?: string[];
}

export function addRun(program: Command, begin: () => CliSession): void {
	const command = program
		.command("run")
		.description("run each line of a file as a job, and write the answers to another")
		.argument("[prompts]", "a file of JSON lines, or - for stdin", "-")
		.requiredOption("--out <file>", "gets a line for each job as it ends")
		.option("-m, --model <models>", "one, or up to four between commas; instead of those of the lines", list)
		.option("--prompt <template>", 'such as "Summarise: {text}", filled from the fields of each line')
		.option("--system <text>", "text, or @file; for lines without a system message")
		.option("--concurrency <n>", "how many jobs are open at a time", count, CONCURRENCY)
		.option("--ordered", "puts the output into the order of the input when the run ends")
		.option("--retry-failed", "runs the lines again whose jobs did not succeed")
		.option("--limit <n>", "only so many lines, from the first", count)
		.option("--max-total-tokens <n>", "submits nothing more once the answers have used so many", count)
		.option("--timeout <time>", "how long to wait, such as 2h; the jobs go on", duration)
		.option("--cancel-on-interrupt", "Ctrl-C cancels the jobs that are open")
		.option("--allow-failures", "exit code 0 even if jobs did not succeed")
		.option("--dry-run", "checks the input, and sends nothing")
		.addHelpText("after", HELP);
	command.action(async (path: string, { model, ...flags }: Given) => {
		if (flags.concurrency > CONCURRENCY_MAX) throw new UsageError(`--concurrency may be ${CONCURRENCY_MAX} at most.`);
		const models = model === undefined ? {} : { model: modelsOf(model) };
		const again = `holdfast ${rawArguments(program).map(quoted).join(" ")}${path === "-" ? " (with the same input)" : ""}`;
		await startRun(begin(), path, { ...flags, ...models }, again);
	});
}

/** As the user wrote them. */
function rawArguments(program: Command): string[] {
	const raw: unknown = Reflect.get(program, "rawArgs");
	return Array.isArray(raw) ? raw.map(String) : [];
}

function quoted(argument: string): string {
	return PLAIN.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}
