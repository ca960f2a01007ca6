/** The service as `npm start` runs it: on a free port, with secrets and state of its own that go with it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { randomSecrets } from "../../../scripts/lib/env-file.ts";
import { localService } from "../../../scripts/lib/start-service.ts";
import { freePort } from "../../support/ports.ts";

export const ROOT = resolve(import.meta.dirname, "../../..");

export type TemporaryService = {
	url: string;
	key: string;
	adminToken: string;
	stateDir: string;
	stop(): Promise<void>;
};

export async function startTemporaryService(environment: Record<string, string>): Promise<TemporaryService> {
	const stateDir = mkdtempSync(join(tmpdir(), "holdfast-test-"));
	const secrets = randomSecrets();
	const log: string[] = [];
	const service = localService({
		root: ROOT,
		stateDir,
		port: await freePort(),
		readSecrets: () => secrets,
		environment,
		print: (line) => log.push(line),
		onEnd: (reason) => console.error(`${reason}\n${log.slice(-20).join("\n")}`),
	});
	const stop = async () => {
		await service.stop();
		rmSync(stateDir, { recursive: true, force: true });
	};
	try {
		return { ...(await service.start()), adminToken: secrets.ADMIN_TOKEN, stateDir, stop };
	} catch (error) {
		await stop();
		throw error;
	}
}
