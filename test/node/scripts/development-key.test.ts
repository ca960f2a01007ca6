import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { developmentKey } from "../../../scripts/lib/development-key.ts";

it("the key of the last start is used again though the connection breaks when it is tried", async () => {
	const stateDir = mkdtempSync(join(tmpdir(), "holdfast-test-"));
	let asked = 0;
	const server = createServer((request, response) => {
		asked += 1;
		if (asked <= 2) request.socket.destroy();
		else response.writeHead(200, { "content-type": "application/json" }).end("{}");
	});
	await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
	try {
		writeFileSync(join(stateDir, "development-key.json"), JSON.stringify({ tenant: "ten_1", key: "hf_1" }));
		const { port } = server.address() as AddressInfo;
		expect(await developmentKey(`http://127.0.0.1:${port}`, "admin", stateDir)).toBe("hf_1");
		expect(asked).toBe(3);
	} finally {
		server.close();
		rmSync(stateDir, { recursive: true, force: true });
	}
});
