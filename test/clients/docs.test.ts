/** The example of docs/openai.md, as it stands there but for the service's address. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, inject, it } from "vitest";

const { url, key } = inject("service");
const page = readFileSync(join(import.meta.dirname, "../../docs/openai.md"), "utf8");

it("the example of docs/openai.md prints two completions, a response and a job", async () => {
	const code = /```js\n(.*?)```/s.exec(page)?.[1]?.replace("http://127.0.0.1:8787", url) ?? "";
	const argv = ["--input-type=module", "-e", code];
	const options = { cwd: import.meta.dirname, env: { ...process.env, KEY: key } };
	const { stdout } = await promisify(execFile)(process.execPath, argv, options);
	expect(stdout).toMatch(/^(This is a simulated answer.*\n){3}job_\w+\n$/);
});
