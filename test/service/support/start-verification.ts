/**
 * `npm run verify` in the background, against a service with the settings of production. It waits for minutes and computes
 * for seconds, so it begins with the run, and its test looks at what it came to.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { TestProject } from "vitest/node";
import { ROOT, startTemporaryService, type TemporaryService } from "./temporary-service.ts";

declare module "vitest" {
	interface ProvidedContext {
		/** The file that holds a `Verification` once the run has ended. */
		verification: string;
	}
}

export type Verification = { code: number | null; output: string; url: string; adminToken: string };

export default function startVerification(project: TestProject): () => Promise<void> {
	const folder = mkdtempSync(join(tmpdir(), "holdfast-verify-"));
	const file = join(folder, "verification.json");
	project.provide("verification", file);
	const over = new AbortController();
	let service: TemporaryService | null = null;
	const run = async () => {
		// As often as cron: a sweep every few seconds would make up for a queue message whose delay got lost.
		service = await startTemporaryService({ SWEEP_SECONDS: "60" });
		const { url, adminToken } = service;
		const ended: Verification = {
			...(await runVerify([url, "--model", "--long"], adminToken, over.signal)),
			url,
			adminToken,
		};
		writeFileSync(file, JSON.stringify(ended));
	};
	const running = run().catch((error) => writeFileSync(file, JSON.stringify({ code: null, output: String(error) })));
	return async () => {
		over.abort();
		await running;
		await service?.stop();
		rmSync(folder, { recursive: true, force: true });
	};
}

/** The script as npm runs it. @param signals each interrupts it */
export async function runVerify(args: string[], ADMIN_TOKEN: string, ...signals: AbortSignal[]) {
	const child = spawn(process.execPath, [join(ROOT, "scripts/verify.ts"), ...args], {
		cwd: ROOT,
		env: { ...process.env, ADMIN_TOKEN, FORCE_COLOR: "0" },
		stdio: ["ignore", "pipe", "pipe"],
	});
	for (const signal of signals) {
		if (signal.aborted) child.kill("SIGINT");
		signal.addEventListener("abort", () => child.kill("SIGINT"));
	}
	const exit = new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
	const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
	return { code, output: stdout + stderr };
}
