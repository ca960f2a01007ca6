/**
 * The map of the dashboard: which page is at which address. A page is added by one line: its address, its own chunk, the
 * scopes that a key needs for it, and, for the navigation, its label, its icon and the key after `g`.
 */
import { Boxes, Briefcase, ChartLine, Gauge, KeyRound, Plus, ScrollText, ServerCog, Webhook } from "lucide";
import { render } from "preact";
import { lazy } from "preact-iso";
import { App } from "./app/app.tsx";
import type { Place } from "./app/places.ts";
import { startSession } from "./app/session.ts";
import { listenForShortcuts } from "./app/shortcuts.ts";
import { applyTheme } from "./app/theme.ts";
import { startClock } from "./data/clock.ts";
import { startPolling } from "./data/resource.ts";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/dialog.css";
import "./styles/parts.css";
import "./styles/lists.css";
import "./styles/table.css";
import "./styles/shell.css";

const PLACES: Place[] = [
	{
		path: "/dashboard",
		page: lazy(() => import("./pages/overview/overview-page.tsx")),
		scopes: ["jobs:read"],
		nav: { label: "Overview", icon: Gauge, key: "h" },
	},

	// Jobs.
	{
		path: "/dashboard/jobs",
		page: lazy(() => import("./pages/jobs/jobs-page.tsx")),
		scopes: ["jobs:read"],
		nav: { label: "Jobs", icon: Briefcase, key: "j" },
	},
	{
		path: "/dashboard/jobs/:id",
		page: lazy(() => import("./pages/job/job-page.tsx")),
		scopes: ["jobs:read"],
		nav: null,
	},
	{
		path: "/dashboard/jobs/:id/retry",
		page: lazy(() => import("./pages/retry/retry-page.tsx")),
		scopes: ["jobs:read", "jobs:write"],
		nav: null,
	},
	{
		path: "/dashboard/new",
		page: lazy(() => import("./pages/new-job/new-job-page.tsx")),
		scopes: ["jobs:write"],
		nav: { label: "New job", icon: Plus, key: "n" },
	},

	// Models and usage.
	{
		path: "/dashboard/models",
		page: lazy(() => import("./pages/models/models-page.tsx")),
		scopes: ["jobs:read"],
		nav: { label: "Models", icon: Boxes, key: "m" },
	},
	{
		path: "/dashboard/usage",
		page: lazy(() => import("./pages/usage/usage-page.tsx")),
		scopes: ["usage:read"],
		nav: { label: "Usage", icon: ChartLine, key: "u" },
	},

	// Webhooks.
	{
		path: "/dashboard/webhooks",
		page: lazy(() => import("./pages/webhooks/endpoints-page.tsx")),
		scopes: ["webhooks:read"],
		nav: { label: "Webhooks", icon: Webhook, key: "w" },
	},
	{
		path: "/dashboard/webhooks/deliveries",
		page: lazy(() => import("./pages/webhooks/deliveries-page.tsx")),
		scopes: ["webhooks:read"],
		nav: null,
	},
	{
		path: "/dashboard/webhooks/deliveries/:id",
		page: lazy(() => import("./pages/webhooks/delivery-page.tsx")),
		scopes: ["webhooks:read"],
		nav: null,
	},
	{
		path: "/dashboard/webhooks/:id",
		page: lazy(() => import("./pages/webhooks/endpoint-page.tsx")),
		scopes: ["webhooks:read"],
		nav: null,
	},

	// Access.
	{
		path: "/dashboard/keys",
		page: lazy(() => import("./pages/keys/keys-page.tsx")),
		scopes: ["keys:manage"],
		nav: { label: "API keys", icon: KeyRound, key: "k" },
	},
	{
		path: "/dashboard/audit",
		page: lazy(() => import("./pages/audit/audit-page.tsx")),
		scopes: ["keys:manage"],
		nav: { label: "Audit log", icon: ScrollText, key: "a" },
	},
	{
		path: "/dashboard/operator",
		page: lazy(() => import("./pages/operator/operator-page.tsx")),
		scopes: [],
		nav: { label: "Operator", icon: ServerCog, key: "o" },
	},
];

// Together with the question who is signed in.
const isHere = ({ path }: Place) => new RegExp(`^${path.replaceAll(/:\w+/g, "[^/]+")}$`).test(location.pathname);
void PLACES.find(isHere)?.page.preload();
applyTheme();
startClock();
startPolling();
listenForShortcuts();
void startSession();
render(<App places={PLACES} />, document.getElementById("app") ?? document.body);
