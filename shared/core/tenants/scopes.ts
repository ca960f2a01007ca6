/** What a key may do. */
export const SCOPES = [
	"jobs:read",
	"jobs:write",
	"webhooks:read",
	"webhooks:write",
	"keys:manage",
	"usage:read",
] as const;
export type Scope = (typeof SCOPES)[number];

/** A key that was made without scopes has these: all but the power to make more keys. */
export const DEFAULT_SCOPES: Scope[] = SCOPES.filter((scope) => scope !== "keys:manage");
