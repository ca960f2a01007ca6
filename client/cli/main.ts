/** The command line: parses it, runs the command, and returns its exit code. */
import { Command, CommanderError } from "commander";
import { ApiError } from "../errors.ts";
import { addAccount } from "./commands/account.ts";
import { addAdmin } from "./commands/admin.ts";
import { addAsk, addJobs } from "./commands/jobs.ts";
import { addLogin } from "./commands/login.ts";
import { addRun } from "./commands/run.ts";
import { addService } from "./commands/service.ts";
import { addWebhooks } from "./commands/webhooks.ts";
import { addCompletion } from "./completion.ts";
import { EXIT, exitCodeOf } from "./exit-codes.ts";
import { CliSession, type SharedFlags, type Surroundings } from "./session.ts";
import { Terminal } from "./terminal.ts";

const CODES = `
Exit codes:
  0 done                   3 a job did not succeed   6 not found
  1 the service failed     4 not allowed           124 the time to wait is over
  2 wrong usage, refused   5 a limit was reached   130 interrupted`;

type Begin = () => CliSession;

/** All commands. Each of them begins with `begin`. */
export function commandsOf(begin: (flags: SharedFlags) => CliSession): Command {
	const program = new Command("holdfast")
		.description(
			"Jobs for language models. Data goes to stdout: a table on a terminal, one JSON object a line elsewhere.",
		)
		.option("--url <url>", "the service (HOLDFAST_URL, or the profile's)")
		.option("--profile <name>", "a profile of `holdfast login` (HOLDFAST_PROFILE)")
		.option("--json", "one JSON object a line, on a terminal too")
		.option("--quiet", "nothing on stderr but errors")
		.option("--debug", "each request on stderr, without bodies and keys")
		.addHelpText("after", CODES)
		.configureHelp({ showGlobalOptions: true })
		.showHelpAfterError("Add --help to see how.");
	const beginHere: Begin = () => begin(program.opts<SharedFlags>());
	addRun(program, beginHere);
	addAsk(program, beginHere);
	addJobs(program, beginHere);
	addAccount(program, beginHere);
	addWebhooks(program, beginHere);
	addService(program, beginHere);
	addAdmin(program, beginHere);
	addLogin(program, beginHere);
	addCompletion(program, beginHere);
	return program;
}

/** @param argv without the program's own name */
export async function main(argv: string[], surroundings: Surroundings): Promise<number> {
	const { signal, env } = surroundings;
	const stdout = new Terminal(surroundings.stdout, env, false);
	const stderr = new Terminal(surroundings.stderr, env, true);
	let session: CliSession | null = null;
	const program = commandsOf((flags) => {
		session = new CliSession(surroundings, flags);
		return session;
	});
	program.configureOutput({
		writeOut: (text) => stdout.write(text),
		writeErr: (text) => stderr.write(text),
		getOutHelpWidth: () => stdout.columns,
		getErrHelpWidth: () => stderr.columns,
	});
	overrideExits(program);
	try {
		await program.parseAsync(argv, { from: "user" });
		return signal.aborted ? EXIT.interrupted : ((session as CliSession | null)?.exitCode ?? EXIT.done);
	} catch (error) {
		if (signal.aborted) return EXIT.interrupted;
		// It has printed what is wrong, or the help.
		if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
		stderr.write(messageOf(error), "red");
		stderr.write("\n");
		return exitCodeOf(error);
	}
}

/** Of every command, for subcommands do not inherit it once they exist. */
function overrideExits(command: Command): void {
	command.exitOverride();
	for (const one of command.commands) {
		one.copyInheritedSettings(command);
		overrideExits(one);
	}
}

function messageOf(error: unknown): string {
	const message = error instanceof Error ? error.message : String(error);
	if (!(error instanceof ApiError)) return message;
	const where = error.param === null ? "" : ` (${error.param})`;
	return `${message}${where}${error.requestId === null ? "" : ` [${error.requestId}]`}`;
}
