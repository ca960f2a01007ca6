/**
 * `npm run verify -- <url>`: checks a deployed service by what it does, from its API alone. It works with tenants of its own,
 * which it deletes at the end, also after an interruption. Exits 1 if a check failed.
 */
import { parseArgs } from "node:util";
import { adminTokenFor, isLocal } from "./lib/env-file.ts";
import { bold, complain, dim, PlainError, say } from "./lib/terminal.ts";
import type { Check, Options } from "./lib/verify/check.ts";
import { summaryOf, tableOf } from "./lib/verify/table.ts";
import { verify } from "./lib/verify/verify.ts";

const HELP = `Usage: npm run verify -- <url> [options]

Checks a Holdfast service, deployed or local, and prints what it observed. Takes about three minutes.

  --receiver <url>  where webhooks go: an httpbin's /post
                    (default: https://httpbin.org/post; for a local service, a receiver on this machine)
  --only <numbers>  only these checks, such as 5,14
  --model           also call DEFAULT_MODEL, twice, with up to 1,024 tokens each: costs money
  --long            with --model: also a call of some minutes
  --account         also look at the settings in the Cloudflare account (npx wrangler login)
  --name <name>     with --account: the installation, where the URL does not begin with its name

Environment:
  ADMIN_TOKEN  the service's admin token (default for a service on this machine: the one in .dev.vars)`;

const CHECKS = 22;
const INTERRUPTED = 130;

/** On Ctrl-C the terminal signals npm too, which passes it on: the same interruption arrives twice. */
const SAME_INTERRUPTION_MS = 500;

const controller = new AbortController();
const { signal } = controller;

async function main(): Promise<void> {
	const options = readOptions();
	if (options === null) return say(HELP);
	let leftNow = (): string | null => null;
	endOnSignals(() => leftNow());

	say(`Verifying ${bold(options.url)}`);
	const making = (findLeft: typeof leftNow) => {
		leftNow = findLeft;
	};
	const { rows, obstacle, left } = await verify(options, signal, { running: showProgress, waiting: say, making });
	showProgress([]);
	if (!signal.aborted && obstacle === null) {
		for (const line of tableOf(rows)) say(line);
		say(`\n${bold(summaryOf(rows))}`);
	}
	sayLeft(left);
	if (signal.aborted)
		return complain(new PlainError(`Interrupted.${left === null ? " What it made is removed." : ""}`));
	if (obstacle !== null) complain(new PlainError(obstacle));
	if (obstacle !== null || rows.some(({ status }) => status === "failed")) process.exitCode = 1;
}

/** The first signal interrupts the run, which then removes what it made; a second one ends that. */
function endOnSignals(left: () => string | null): void {
	const interrupt = () => controller.abort(new PlainError("Interrupted."));
	let endsAfter = 0;
	const onSignal = () => {
		if (!signal.aborted) {
			endsAfter = performance.now() + SAME_INTERRUPTION_MS;
			interrupt();
			say("\nInterrupted: removing what it made. Another Ctrl-C leaves it behind.");
		} else if (performance.now() > endsAfter) {
			sayLeft(left());
			process.exit(INTERRUPTED);
		}
	};
	for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, onSignal);
	// The reader of the output is gone, as with `| head`.
	process.stdout.on("error", interrupt);
}

function sayLeft(left: string | null): void {
	if (left !== null) say(`Left behind. To remove it:\n${left}`);
}

/** One line that is overwritten: only where a person looks. */
function showProgress(running: readonly Check[]): void {
	if (!process.stdout.isTTY) return;
	const names = running.map(({ name }) => name).join(", ");
	const line = names.slice(0, (process.stdout.columns || 80) - 1);
	process.stdout.write(`\r\x1b[K${dim(line)}`);
}

function readOptions(): Options | null {
	const { positionals, values } = withHint(() =>
		parseArgs({
			allowPositionals: true,
			options: {
				receiver: { type: "string" },
				only: { type: "string" },
				model: { type: "boolean", default: false },
				long: { type: "boolean", default: false },
				account: { type: "boolean", default: false },
				name: { type: "string" },
				help: { type: "boolean", short: "h" },
			},
		}),
	);
	if (values.help) return null;
	const url = withHint(() => serviceUrl(positionals));
	const { receiver = null, name = null, model, long, account } = values;
	if (receiver !== null && !URL.canParse(receiver)) throw new PlainError(`--receiver is not a valid URL: ${receiver}`);
	return {
		...{ url: url.href.replace(/\/+$/, ""), adminToken: adminTokenFor(url), isLocal: isLocal(url) },
		...{ receiver, name, model, long, account, only: numbersIn(values.only) },
	};
}

/** Adds the way to the help to the message of an error in the arguments. */
function withHint<T>(read: () => T): T {
	try {
		return read();
	} catch (error) {
		throw new PlainError(`${(error as Error).message} See npm run verify -- --help`);
	}
}

function serviceUrl([text, extra]: string[]): URL {
	if (text === undefined) throw new Error("Which service? Give its URL.");
	if (extra !== undefined) throw new Error(`Unexpected argument "${extra}".`);
	const url = URL.parse(text);
	if (url === null || !/^https?:$/.test(url.protocol)) throw new Error(`"${text}" is not a URL.`);
	if (url.protocol === "http:" && !isLocal(url)) {
		throw new Error(`The admin token would travel unencrypted to ${url.hostname}. Use https.`);
	}
	return url;
}

function numbersIn(list: string | undefined): number[] {
	const numbers = (list ?? "").split(",").flatMap((part) => (part.trim() === "" ? [] : [Number(part)]));
	const unknown = numbers.find((number) => !Number.isInteger(number) || number < 1 || number > CHECKS);
	if (unknown !== undefined) throw new PlainError(`--only takes numbers from 1 to ${CHECKS}, such as 5,14.`);
	return numbers;
}

main()
	.catch((error) => {
		process.exitCode = 1;
		complain(signal.aborted ? signal.reason : error);
	})
	.finally(() => {
		if (signal.aborted) process.exitCode = INTERRUPTED;
	});
