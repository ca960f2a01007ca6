import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ARCHITECTURE_RULES, type SourceFile, TREE_RULES } from "../support/architecture-rules.ts";

const root = join(import.meta.dirname, "../..");

const sourceFiles = ["workers", "shared", "client", "dashboard", "scripts"].flatMap((folder) =>
	readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
		.filter((name) => /\.(tsx?|css)$/.test(name) && !name.startsWith("dist/"))
		.map((name) => ({ path: `${folder}/${name}`, text: readFileSync(join(root, folder, name), "utf8") })),
);

const checkAll = (path: string, text: string) =>
	ARCHITECTURE_RULES.flatMap(({ guarantee, check }) => (check(path, text).length > 0 ? [guarantee] : []));

describe("in this tree", () => {
	it("there is something to check", () => {
		expect(sourceFiles.map(({ path }) => path)).toContain("workers/index.ts");
	});

	it.each(ARCHITECTURE_RULES)("$guarantee", ({ check }) => {
		const violations = sourceFiles.flatMap(({ path, text }) => check(path, text).map((found) => `${path}, ${found}`));
		expect(violations).toEqual([]);
	});

	it.each(TREE_RULES)("$guarantee", ({ check }) => {
		expect(check(sourceFiles)).toEqual([]);
	});
});

const lines = (count: number) => "export const a = 1;\n".repeat(count);
/** A text as part of a test's name. */
const asName = (text: string) => text.slice(0, 70).replaceAll(/\s+/g, " ");
const longFunction = (count: number) => `export function f() {\n${"\tg();\n".repeat(count - 2)}}\n`;

/** Guarantee → files that break it, as path and text. */
const PLANTED: Record<string, [path: string, text: string][]> = {
	"each folder imports only from the folders that rooms.ts grants it": [
		["workers/intake/jobs/submit-job.ts", 'import { dispatch } from "../../dispatcher/index.ts";'],
		["workers/consumer/index.ts", 'import type { A } from "../sweeper/tidy.ts";'],
		["workers/intake/jobs/a.ts", 'export { a } from "../../consumer/a.ts";\nconst b = 1;'],
		["workers/sweeper/index.ts", 'const { a } = await import("../consumer/a.ts");'],
		["workers/sweeper/index.ts", 'type A = import("../consumer/a.ts").A;'],
		["workers/intake/auth/a.ts", 'import { a } from "../jobs/a.ts";'],
		["workers/bulk/a.ts", 'import { a } from "../log.ts";'],
		["shared/db/a.ts", 'import { log } from "../../workers/log.ts";'],
		["shared/model/a.ts", 'export * from "../../test/support/a.ts";\nconst b = 1;'],
		["shared/jobs/a.ts", 'import { a } from "../model/a.ts";'],
		["shared/storage/a.ts", 'import { a } from "../db/jobs/a.ts";'],
		["shared/db/admission/a.ts", 'import type { A } from "../jobs/a.ts";'],
		["shared/core/a.ts", 'import { b } from "../db/b.ts";'],
		["shared/core/json/a.ts", 'import { b } from "../chat/b.ts";'],
		["shared/core/chat/a.ts", 'import type { A } from "../jobs/a.ts";'],
		["shared/core/jobs/a.ts", 'import type { A } from "../webhooks/a.ts";'],
		["scripts/start.ts", 'import { a } from "../workers/log.ts";'],
		["scripts/start.ts", 'import { a } from "../shared/db/a.ts";'],
		["scripts/start.ts", 'import { a } from "../shared/webhooks/receive.ts";'],
		["scripts/lib/a.ts", 'import { a } from "../../shared/webhooks/sign.ts";'],
		["dashboard/pages/jobs/a.tsx", 'import { a } from "../webhooks/a.tsx";'],
		["dashboard/data/a.ts", 'import { SCOPES } from "../../shared/core/tenants/api-key.ts";'],
		["dashboard/parts/a.tsx", 'import { can } from "../app/session.ts";'],
		["workers/intake/a.ts", 'import { absoluteTime } from "../../dashboard/format/times.ts";'],
		["client/a.ts", 'import type { JobBody } from "../shared/api/job.ts";'],
		["shared/jobs/a.ts", 'import { Holdfast } from "../../client/index.ts";'],
		["workers/intake/a.ts", 'import { Holdfast } from "../../client/index.ts";'],
	],
	"nothing imports the map": [
		["workers/log.ts", 'import map from "./index.ts";'],
		["workers/sweeper/index.ts", 'import map from "../index.ts";'],
	],
	"the core uses only a few pure packages": [
		["shared/core/a.ts", 'import { Hono } from "hono";'],
		["shared/core/a.ts", 'import "side-effect";'],
	],
	"the real world is handed in at the doors alone": [
		["workers/consumer/run-attempt.ts", 'import { runtime } from "../runtime.ts";'],
	],
	"only the map imports from the platform": [
		["workers/intake/index.ts", 'import { waitUntil } from "cloudflare:workers";'],
		["shared/db/a.ts", 'import type { A } from "cloudflare:workers";'],
	],
	"the service needs nothing of Node": [
		["workers/consumer/a.ts", 'import { setTimeout as s } from "node:timers/promises";'],
	],
	"the client needs one package, and nothing of Node": [
		["client/a.ts", 'import { z } from "zod";'],
		["client/a.ts", 'import { readFile } from "node:fs/promises";'],
	],
	"the dashboard needs a few small packages, and nothing of Node": [
		["dashboard/parts/a.tsx", 'import { useState } from "react";'],
		["dashboard/data/a.ts", 'import { join } from "node:path";'],
	],
	"the dashboard makes no markup or code of strings, and loads nothing from elsewhere": [
		["dashboard/parts/a.tsx", "const a = <p dangerouslySetInnerHTML={{ __html: text }} />;"],
		["dashboard/parts/a.ts", "element.innerHTML = text;"],
		["dashboard/parts/a.ts", "eval(text);"],
		["dashboard/parts/a.tsx", 'const a = <p style="color: red" />;'],
		["dashboard/parts/a.tsx", 'const a = <img src="https://cdn.test/a.png" />;'],
		["dashboard/parts/a.tsx", 'const a = <script src="//cdn.test/a.js" />;'],
	],
	"clock, dice, timers, network and cryptography come from the runtime": [
		["shared/core/a.ts", "const now = Date.now();"],
		["shared/core/a.ts", 'const now = Date["now"]();'],
		["shared/core/a.ts", "const dice = Math.random;"],
		["workers/consumer/a.ts", "const now = new Date();"],
		["workers/consumer/a.ts", "const now = new Date;"],
		["workers/consumer/a.ts", "const now = Date();"],
		["workers/consumer/a.ts", "const id = crypto.randomUUID();"],
		["workers/consumer/a.ts", "const { subtle } = crypto;"],
		["workers/consumer/a.ts", "setTimeout(f, 1);"],
		["workers/consumer/a.ts", "clearTimeout(timer);"],
		["workers/consumer/a.ts", "const timer = setInterval(f, 1);"],
		["workers/consumer/a.ts", "signal.addEventListener(abort, () => clearInterval(timer));"],
		["workers/consumer/a.ts", "const signal = AbortSignal.timeout(1);"],
		["workers/dispatcher/a.ts", "await fetch(url);"],
		["workers/dispatcher/a.ts", "const deps = { fetch };"],
		["workers/dispatcher/a.ts", "await globalThis.fetch(url);"],
		["workers/dispatcher/a.ts", "const now = performance.now() as number;"],
	],
	"messages are acked and retried in one file, one by one": [
		["workers/consumer/index.ts", "message.ack();"],
		["shared/queues/a.ts", "message.retry({ delaySeconds: 1 });"],
		["workers/index.ts", "for (const message of batch.messages) message.ack();"],
	],
	"a whole batch is acked in the map alone, where dead letters end": [["workers/consumer/index.ts", "batch.ackAll();"]],
	"no whole batch is ever retried": [["workers/index.ts", "batch.retryAll();"]],
	"all SQL is in shared/db": [["workers/sweeper/index.ts", 'await env.DB.prepare("SELECT 1").first();']],
	"all queue sends are in shared/queues": [
		["workers/intake/a.ts", "await queue.send({});"],
		["shared/db/a.ts", "await queue?.sendBatch([]);"],
	],
	"all R2 keys are made in shared/storage": [
		["workers/consumer/a.ts", "const key = `results/$" + "{id}`;"],
		["shared/db/a.ts", 'const key = "inputs/" + id;'],
	],
	"the environment goes no further than the doors": [
		["workers/consumer/run-attempt.ts", "export function f(env: Env) {}"],
		["workers/intake/jobs/index.ts", "type Bindings = { Bindings: Cloudflare.Env };"],
	],
	"shared code writes no logs": [["shared/db/a.ts", 'console.error("a");']],
	"files have at most 350 lines": [
		["shared/core/a.ts", lines(351)],
		["client/a.ts", lines(351)],
		["dashboard/styles/a.css", ".a {}\n".repeat(351)],
	],
	"functions have less than 50 lines": [
		["shared/core/a.ts", longFunction(50)],
		["workers/a.ts", longFunction(60).replace("function f()", "const f = () =>")],
	],
	"every file is named after what is in it": [
		["workers/intake/utils.ts", ""],
		["shared/core/types.ts", ""],
		["shared/core/index.ts", ""],
	],
	"no file only hands on what others export": [
		["shared/core/a.ts", 'export * from "./b.ts";\nexport { c } from "./c.ts";'],
	],
};

describe("a planted violation is caught, and no other rule speaks up for it", () => {
	const plants = Object.entries(PLANTED).flatMap(([guarantee, files]) =>
		files.map(([path, text]) => ({ guarantee, path, text, shown: asName(text) })),
	);

	it.each(plants)("$guarantee: $path: $shown", ({ guarantee, path, text }) => {
		expect(checkAll(path, text)).toEqual([guarantee]);
	});

	it("for every rule there is", () => {
		expect(ARCHITECTURE_RULES.map((rule) => rule.guarantee)).toEqual(Object.keys(PLANTED));
	});
});

const TREES: Record<string, { breaks: SourceFile[]; keeps: SourceFile[]; violations?: number }> = {
	"folders hold at most 15 files": {
		breaks: folderOf(16),
		keeps: [...folderOf(15), { path: "shared/db/jobs/a.ts", text: "" }],
	},
	"each call to D1 has a name of its own, and stories of its faults": {
		violations: 3,
		breaks: [
			{ path: "shared/db/a.ts", text: 'await db.all("lease jobs", a);\nawait db.transact("lease jobs", [a]);' },
			{ path: "shared/db/b.ts", text: 'await db.all(name, a);\nawait db.first("do what no story does", a);' },
		],
		keeps: [{ path: "shared/db/a.ts", text: 'await db.all("lease jobs", a); await Promise.all(b);' }],
	},
	"no imports run in a circle, those of types included": {
		breaks: [
			{ path: "shared/db/a.ts", text: 'import { b } from "./b.ts";' },
			{ path: "shared/db/b.ts", text: 'import type { C } from "./jobs/c.ts";' },
			{ path: "shared/db/jobs/c.ts", text: 'export { a } from "../a.ts";' },
		],
		keeps: [
			{ path: "shared/db/a.ts", text: 'import { b } from "./b.ts";\nimport { c } from "./c.ts";' },
			{ path: "shared/db/b.ts", text: 'import { c } from "./c.ts";' },
			{ path: "shared/db/c.ts", text: 'import { z } from "zod";' },
		],
	},
};

function folderOf(count: number): SourceFile[] {
	return Array.from({ length: count }, (_, index) => ({ path: `shared/db/f${index}.ts`, text: "" }));
}

describe("a planted violation of the whole tree is caught", () => {
	it.each(TREE_RULES)("$guarantee", ({ guarantee, check }) => {
		const tree = TREES[guarantee];
		expect(check(tree?.breaks ?? [])).toHaveLength(tree?.violations ?? 1);
		expect(check(tree?.keeps ?? sourceFiles)).toEqual([]);
	});
});

describe("what only looks like a violation passes", () => {
	const innocent: [path: string, text: string][] = [
		["shared/core/a.ts", "// Date.now(), fetch(url)\n/** new Date() */\nconst a = 'Math.random() setTimeout(';"],
		["shared/core/a.ts", "const a = `crypto.subtle $" + "{b} Date.now()`;"],
		["shared/core/a.ts", "const at = new Date(ms).toISOString(); const b = Math.min(1, 2);"],
		["shared/core/a.ts", 'import { z } from "zod";\nimport { b } from "./b.ts";\nconst a = 1;'],
		["shared/db/jobs/a.ts", 'import { a } from "../../core/chat/a.ts";\nimport { b } from "../admission/b.ts";'],
		["shared/core/a.ts", "export interface R { fetch(url: string): Promise<Response>; f: typeof fetch }"],
		["workers/dispatcher/a.ts", "await runtime.fetch(url); await stub.fetch(request); runtime.setTimeout(f);"],
		["workers/dispatcher/a.ts", "const deps = { fetch: runtime.fetch }; class A { fetch() {} }"],
		[
			"workers/index.ts",
			'import { env } from "cloudflare:workers";\nimport { a } from "./intake/index.ts";\nbatch.ackAll();',
		],
		["workers/consumer/index.ts", 'import { runtime } from "../runtime.ts";\nconst f = (env: Env) => env.DB;'],
		["workers/apply-dispositions.ts", "message.ack(); message.retry({ delaySeconds: 1 });"],
		["workers/consumer/a.ts", 'import { k } from "../../shared/storage/keys.ts";\nimport { b } from "./b.ts";'],
		["workers/runtime.ts", "export const now = () => Date.now(); setTimeout(f, 1); crypto.subtle; fetch(url);"],
		["workers/log.ts", "export const log = (event: string) => console.log(event);"],
		["shared/db/a.ts", 'await db.prepare("SELECT 1").first();'],
		["shared/queues/queue.ts", "await queue.sendBatch([]);"],
		["shared/storage/keys.ts", "export const key = (id: string) => `results/$" + "{id}`;"],
		["scripts/demo.ts", 'import { a } from "../shared/core/a.ts";\nawait fetch(url); console.log(Date.now());'],
		["shared/core/a.ts", lines(350)],
		["dashboard/styles/a.css", ".a {}\n".repeat(350)],
		["client/a.ts", 'import { Webhook } from "standardwebhooks";\nconst at = Date.now(); await fetch(url);'],
		["shared/core/a.ts", longFunction(49)],
	];
	it.each(innocent.map(([path, text]) => ({ path, text, shown: asName(text) })))("$path: $shown", ({ path, text }) => {
		expect(checkAll(path, text)).toEqual([]);
	});
});
