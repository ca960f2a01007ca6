/**
 * `npm start`: the whole service on this machine, by `wrangler dev --local`, until Ctrl-C.
 *
 * What differs from production (lib/local-config.ts):
 * - MODEL_ROUTES sends every model to the simulated provider, and ALLOW_SIMULATED is true.
 * - ALLOW_INSECURE_WEBHOOKS is true, so that webhooks can go to a receiver on this machine.
 * - WEBHOOK_DNS_URL is empty: a run needs no network, so receivers' host names are not resolved.
 * - PUBLIC_URL is http://127.0.0.1:<port>.
 * - LOG_LEVEL is warn, and a line here says that a job came or went. With info or debug, the service's own lines do.
 * - The queues of jobs and deliveries have batches of 100: the local broker runs one batch at a time.
 * - The bucket takes large objects in slices (workers/local.ts), so that none holds up other requests.
 * - A tenant has no rate limit, and WEBHOOK_LIMIT is 100,10000, unless RATE_LIMITS is true in the environment.
 * - Cron does not run by itself, so the sweeper is ticked every SWEEP_SECONDS.
 *
 * Read from the environment: PORT (8787), STATE_DIR (.wrangler), and any variable or secret of the service, which overrides
 * `.dev.vars` for this run. Everything the run writes, except `.dev.vars` and the dashboard's files
 * (dashboard/dist), is in STATE_DIR.
 */
import { join, relative, resolve } from "node:path";
import { ensureDevVars } from "./lib/env-file.ts";
import { watchJobs } from "./lib/progress/watch-jobs.ts";
import { localService } from "./lib/start-service.ts";
import { bold, complain, dim, green, PlainError, say } from "./lib/terminal.ts";

const root = resolve(import.meta.dirname, "..");
const stateDir = resolve(root, process.env.STATE_DIR || ".wrangler");

async function main(): Promise<void> {
	let isStopping = false;
	const print = (line: string) => {
		if (!isStopping) say(line);
	};
	let stopWatching = () => {};
	const service = localService({
		root,
		stateDir,
		port: portFrom(process.env.PORT || "8787"),
		readSecrets: () => ensureDevVars(join(root, ".dev.vars")),
		environment: process.env,
		print,
		onEnd: (reason) => void leave(1, `${reason} Jobs and results are kept: run npm start again.`),
	});
	const leave = async (code: number, reason?: unknown): Promise<void> => {
		// The terminal signals npm too on Ctrl-C, which passes it on: a second signal arrives.
		if (isStopping) return;
		isStopping = true;
		if (reason !== undefined) complain(typeof reason === "string" ? new PlainError(reason) : reason);
		stopWatching();
		await service.stop();
		process.exit(code);
	};
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void leave(0));
	// The reader of the output is gone, as with `| head`.
	process.stdout.on("error", () => void leave(0));

	try {
		const started = await service.start();
		welcome(started);
		if (/^(warn|error)$/.test(started.logLevel)) stopWatching = watchJobs(stateDir, print);
	} catch (error) {
		await leave(1, error);
	}
}

function portFrom(text: string): number {
	const port = Number(text);
	if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
	throw new PlainError(`PORT must be a number from 1 to 65535. Got "${text}".`);
}

function welcome({ url, key, sweepSeconds }: { url: string; key: string; sweepSeconds: number }): void {
	const inside = relative(root, stateDir);
	const place = inside.startsWith("..") ? stateDir : inside;
	say(`${bold("Holdfast")} ${dim(`state in ${place}, sweeping every ${sweepSeconds} s, Ctrl-C to stop`)}`);
	say();
	say(`  API key    ${green(key)}`);
	say(`  Dashboard  ${url}/dashboard#key=${key}`);
	say(`  API        ${url}/docs`);
	say(`  Admin      npm run holdfast -- admin --help`);
	say();
	say(`  curl ${url}/v1/jobs -H 'Content-Type: application/json' \\`);
	say(`    -H 'Authorization: Bearer ${key}' \\`);
	say(`    -d '{"input":{"messages":[{"role":"user","content":"What holds fast?"}]}}'`);
	say();
	say(`Ready on ${url}`);
}

main().catch((error) => {
	complain(error);
	process.exitCode = 1;
});
