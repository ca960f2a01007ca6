import { describe, expect, it } from "vitest";
import { fuzz } from "../../fuzz/fuzz.ts";
import { schemaCheck } from "../../fuzz/schema-check.ts";
import { SimulatedService } from "../../fuzz/simulated-service.ts";
import { describeApi } from "../../support/api-description.ts";

describe("every answer", () => {
	it("is documented, safe and no other tenant's, whatever is asked", async () => {
		const api = await describeApi();
		const start = () => new SimulatedService();
		const outcome = await fuzz({ seed: 1, requests: 600, api, checkSchema: schemaCheck(api), start });
		expect(outcome.failure).toBeNull();
		// Else the requests did not get far enough to mean anything.
		for (const status of ["200", "201", "202", "204", "400", "401", "403", "404", "405", "409", "415"]) {
			expect(outcome.histogram.get(status), status).toBeGreaterThan(0);
		}
	});
});
