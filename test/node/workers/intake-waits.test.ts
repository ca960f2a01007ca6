import { expect, it } from "vitest";
import { Waits } from "../../../workers/intake/http/waits.ts";

const begin = (waits: Waits, tenantId: string, count: number) =>
	Array.from({ length: count }, () => waits.begin(tenantId, 100));

it("a hundred requests of one tenant wait at once, and two hundred of all", () => {
	const waits = new Waits();
	const [end] = begin(waits, "one", 100);
	expect(waits.begin("one", 100)).toBeNull();
	expect(begin(waits, "two", 100)).not.toContain(null);
	expect(waits.begin("three", 100)).toBeNull();
	end?.();
	expect(waits.begin("three", 100)).not.toBeNull();
	expect(waits.begin("one", 100)).toBeNull();
});
