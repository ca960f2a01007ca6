import { describe, expect, it } from "vitest";
import { adminRequest, type Flags } from "../../../scripts/lib/admin-request.ts";
import { PlainError } from "../../../scripts/lib/terminal.ts";

describe("a command of npm run admin", () => {
	it.each<[string[], Flags, object]>([
		[["tenants", "list"], {}, { method: "GET", path: "/tenants", columns: ["id", "name", "created_at"] }],
		[["tenants", "create", "My team"], {}, { method: "POST", path: "/tenants", body: { name: "My team" } }],
		[
			["tenants", "create", "a"],
			{ limit: ["open_jobs=5", "running_jobs=none"] },
			{ method: "POST", path: "/tenants", body: { name: "a", limits: { open_jobs: 5, running_jobs: null } } },
		],
		[["tenants", "show", "ten_1"], {}, { method: "GET", path: "/tenants/ten_1" }],
		[["tenants", "update", "ten_1"], { name: "b" }, { method: "PATCH", path: "/tenants/ten_1", body: { name: "b" } }],
		[
			["tenants", "update", "ten_1"],
			{ limit: ["tokens_per_day=0"] },
			{ method: "PATCH", path: "/tenants/ten_1", body: { limits: { tokens_per_day: 0 } } },
		],
		[
			["tenants", "delete", "ten_1"],
			{ yes: true },
			{ method: "DELETE", path: "/tenants/ten_1", done: "Deleted ten_1. Its data is being erased." },
		],
		[
			["tenants", "audit-log", "ten_1"],
			{},
			{ method: "GET", path: "/tenants/ten_1/audit_log", columns: expect.any(Array) },
		],
		[["keys", "list", "ten_1"], {}, { method: "GET", path: "/tenants/ten_1/keys", columns: expect.any(Array) }],
		[["keys", "create", "ten_1"], {}, { method: "POST", path: "/tenants/ten_1/keys", body: { name: "unnamed" } }],
		[
			["keys", "create", "ten_1", "ci"],
			{ scopes: "jobs:read, jobs:write", expires: "2030-01-02T03:04:05Z" },
			{
				method: "POST",
				path: "/tenants/ten_1/keys",
				body: { name: "ci", scopes: ["jobs:read", "jobs:write"], expires_at: "2030-01-02T03:04:05Z" },
			},
		],
		[["keys", "revoke", "key_1"], {}, { method: "DELETE", path: "/keys/key_1", done: "Revoked key_1." }],
		[["status"], {}, { method: "GET", path: "/status" }],
		// An id is one step of a path, whatever is in it.
		[["tenants", "show", "../status?x"], {}, { method: "GET", path: "/tenants/..%2Fstatus%3Fx" }],
	])("is one request: %j %j", (words, flags, request) => {
		expect(adminRequest(words, flags)).toEqual(request);
	});

	it.each<[string[], Flags, RegExp]>([
		[["tenants"], {}, /Unknown command "tenants"/],
		[["tenants", "drop"], {}, /Unknown command "tenants drop"/],
		[["constructor"], {}, /Unknown command/],
		[["tenants", "create"], {}, /needs a name/],
		[["tenants", "create", ""], {}, /needs a name/],
		[["tenants", "create", "My", "team"], {}, /Unexpected argument "team".*quotes/],
		[["tenants", "show"], {}, /needs a tenant id/],
		[["tenants", "update", "ten_1"], {}, /--name or --limit/],
		[["tenants", "update", "ten_1"], { limit: ["open_jobs"] }, /Expected open_jobs=5/],
		[["tenants", "update", "ten_1"], { limit: ["open_jobs=-1"] }, /Expected open_jobs=5/],
		[["tenants", "delete", "ten_1"], {}, /permanently erases everything of ten_1.*--yes/],
		[["keys", "revoke"], {}, /needs a key id/],
		[["status", "now"], {}, /Unexpected argument "now"/],
	])("that makes no sense is refused in a sentence: %j %j", (words, flags, message) => {
		expect(() => adminRequest(words, flags)).toThrow(PlainError);
		expect(() => adminRequest(words, flags)).toThrow(message);
	});
});
