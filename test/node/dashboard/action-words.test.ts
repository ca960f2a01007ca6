import { expect, it } from "vitest";
import { actionWords } from "../../../dashboard/pages/audit/action-words.ts";
import { AUDIT_ACTIONS } from "../../../shared/core/tenants/audit.ts";

it("every action of the audit log has words of its own, and a newer one is shown as it is", () => {
	expect(AUDIT_ACTIONS.filter((action) => actionWords(action) === action)).toEqual([]);
	expect(new Set(AUDIT_ACTIONS.map(actionWords)).size).toBe(AUDIT_ACTIONS.length);
	expect(actionWords("moon.landed")).toBe("moon.landed");
});
