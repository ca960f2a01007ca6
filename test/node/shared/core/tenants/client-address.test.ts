import { expect, it } from "vitest";
import { clientOf } from "../../../../../shared/core/tenants/rate-limits.ts";

it.each([
	["203.0.113.7", "203.0.113.7"],
	["::ffff:203.0.113.7", "203.0.113.7"],
	["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
	["2001:0DB8:0001:0002::", "2001:db8:1:2::/64"],
	["::1", "0:0:0:0::/64"],
	["", ""],
	["somebody", "somebody"],
])("%s is counted as %s", (address, client) => {
	expect(clientOf(address)).toBe(client);
});
