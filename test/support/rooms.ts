/**
 * Which folder may import from which, beside itself: the layers of the tree, lowest first. A new folder gets a line here
 * before it gets a file. `shared/core` alone means the files directly in it; a trailing `/` stands for all folders below; a
 * name that ends in `.ts` for that file alone.
 */
import { posix } from "node:path";

const GRANTS: Record<string, readonly string[]> = {
	"shared/core/json": [],
	"shared/core/tenants": [],
	"shared/core/upstreams": ["shared/core/json"],
	"shared/core/anthropic": ["shared/core/json"],
	"shared/core/chat": ["shared/core/json", "shared/core/upstreams"],
	"shared/core/jobs": ["shared/core/json", "shared/core/upstreams"],
	"shared/core/responses": ["shared/core/json", "shared/core/jobs"],
	"shared/core/doors": [
		"shared/core",
		"shared/core/json",
		"shared/core/upstreams",
		"shared/core/chat",
		"shared/core/jobs",
		"shared/core/responses",
	],
	"shared/core/webhooks": ["shared/core/json", "shared/core/jobs"],
	// The configuration is made of the rooms' types.
	"shared/core": ["shared/core/upstreams", "shared/core/webhooks"],

	"shared/api": ["shared/core/"],
	"shared/api/doors": ["shared/core/", "shared/api"],
	"shared/queues": ["shared/core/"],
	"shared/storage": ["shared/core/"],
	"shared/crypto": ["shared/core/"],
	"shared/webhooks": ["shared/core/", "shared/crypto"],
	"shared/model": ["shared/core/", "shared/model/providers"],
	"shared/model/providers": ["shared/core/", "shared/crypto", "shared/model"],

	"shared/db": ["shared/core/"],
	"shared/db/admission": ["shared/core/", "shared/db"],
	"shared/db/tenants": ["shared/core/", "shared/db", "shared/db/admission"],
	"shared/db/jobs": ["shared/core/", "shared/db", "shared/db/admission", "shared/db/tenants"],
	"shared/db/deliveries": ["shared/core/", "shared/db", "shared/db/admission", "shared/db/jobs", "shared/db/tenants"],
	// An erasure names what is left in R2.
	"shared/db/upkeep": ["shared/core/", "shared/db/", "shared/storage"],

	"shared/jobs": [
		"shared/api",
		"shared/core/",
		"shared/db/",
		"shared/crypto",
		"shared/queues",
		"shared/storage",
		"shared/webhooks",
	],

	workers: ["shared/", "workers/consumer", "workers/dispatcher", "workers/intake", "workers/sweeper"],
	"workers/consumer": ["shared/", "workers"],
	"workers/dispatcher": ["shared/", "workers"],
	"workers/sweeper": ["shared/", "workers"],
	// Intake's own files are the list of routes above its folders and the services below them.
	"workers/intake": ["shared/", "workers", "workers/intake/"],
	"workers/intake/http": ["shared/", "workers", "workers/intake"],
	"workers/intake/auth": ["shared/", "workers", "workers/intake", "workers/intake/http"],
	"workers/intake/docs": ["shared/", "workers", "workers/intake", "workers/intake/http", "workers/intake/auth"],
	"workers/intake/tenants": ["shared/", "workers", "workers/intake", "workers/intake/http", "workers/intake/auth"],
	"workers/intake/jobs": [
		"shared/",
		"workers",
		"workers/intake",
		"workers/intake/http",
		"workers/intake/auth",
		"workers/intake/webhooks",
	],
	"workers/intake/doors": [
		"shared/",
		"workers",
		"workers/intake",
		"workers/intake/http",
		"workers/intake/auth",
		"workers/intake/jobs",
	],
	"workers/intake/webhooks": [
		"shared/",
		"workers",
		"workers/intake",
		"workers/intake/http",
		"workers/intake/auth",
		"workers/intake/jobs",
	],

	// Runs where the service does not: it shares nothing with it but the schemas that are made of the API's.
	client: [],
	"client/cli": ["client", "client/cli/commands"],
	"client/cli/commands": ["client", "client/cli", "client/cli/run"],
	"client/cli/run": ["client", "client/cli"],

	// Pages of the browser: they read and change what the client can. A page may use what all pages share, and no other page.
	dashboard: ["dashboard/"],
	"dashboard/format": [],
	"dashboard/data": ["client", "dashboard/format"],
	"dashboard/timeline": ["client", "dashboard/format"],
	"dashboard/parts": ["client", "dashboard/format", "dashboard/data"],
	"dashboard/charts": ["client", "dashboard/format", "dashboard/data", "dashboard/parts"],
	"dashboard/app": ["client", "dashboard/format", "dashboard/data", "dashboard/parts"],
	"dashboard/content": ["client", ...["format", "data", "parts", "app"].map((name) => `dashboard/${name}`)],
	"dashboard/submission": [
		"client",
		...["format", "data", "parts", "app", "content"].map((name) => `dashboard/${name}`),
	],

	// The demo does what callers do.
	scripts: ["scripts/lib/", "shared/core/", "shared/api", "client"],
	"scripts/lib": ["shared/core/", "shared/api", "client"],
	"scripts/lib/deploy": ["scripts/lib"],
	"scripts/lib/progress": ["shared/core/"],
	// The account is read as a deployment reads it.
	"scripts/lib/verify": [
		"shared/core/",
		"shared/api",
		"shared/webhooks/receive.ts",
		"scripts/lib",
		"scripts/lib/deploy",
	],
};

/** Of each folder below `dashboard/pages`. */
const OF_PAGES = [
	"client",
	...["format", "data", "timeline", "parts", "charts", "app", "content", "submission"].map(
		(name) => `dashboard/${name}`,
	),
];

/** Whether `file` may import `target`. A file of a folder without a line in the table may import nothing. */
export function mayImport(file: string, target: string): boolean {
	const [folder, targetFolder] = [posix.dirname(file), posix.dirname(target)];
	const grants = GRANTS[folder] ?? (folder.startsWith("dashboard/pages/") ? OF_PAGES : undefined);
	if (grants === undefined) return false;
	return (
		folder === targetFolder ||
		grants.some(
			(grant) => grant === targetFolder || grant === target || (grant.endsWith("/") && target.startsWith(grant)),
		)
	);
}
