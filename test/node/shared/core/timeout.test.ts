import { describe, expect, it } from "vitest";
import { withTimeout } from "../../../../shared/core/timeout.ts";
import { fakeRuntime } from "../../../support/fake-runtime.ts";

describe("within", () => {
	it("gives what is answered in time, and leaves no timer behind", async () => {
		const runtime = fakeRuntime();
		expect(await withTimeout(runtime, 1_000, Promise.resolve("an answer"))).toBe("an answer");
		await expect(withTimeout(runtime, 1_000, Promise.reject(new Error("refused")))).rejects.toThrow("refused");
		await runtime.advance(0);
		expect(runtime.pendingTimers()).toBe(0);
	});

	it("waits for nothing longer than it may", async () => {
		const runtime = fakeRuntime();
		const never = withTimeout(runtime, 1_000, new Promise<never>(() => undefined)).catch(String);
		await runtime.advance(999);
		expect(runtime.pendingTimers()).toBe(1);
		await runtime.advance(1);
		expect(await never).toBe("Error: No response within 1000 ms");
	});

	it("does not mind an answer that comes too late", async () => {
		const runtime = fakeRuntime();
		const late = runtime.sleep(2_000).then(() => Promise.reject(new Error("too late")));
		const asked = withTimeout(runtime, 1_000, late).catch(String);
		await runtime.advance(3_000);
		expect(await asked).toBe("Error: No response within 1000 ms");
	});
});
