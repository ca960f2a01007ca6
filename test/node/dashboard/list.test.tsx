import { expect, it } from "vitest";
import { joined } from "../../../dashboard/data/list.ts";

const rows = (...ids: string[]) => ids.map((id) => ({ id }));
const ids = (of: { id: string }[]) => of.map(({ id }) => id).join("");

it("a list keeps what newer items pushed off its first page, and drops what was deleted from it", () => {
	const loaded = rows("f", "e", "d", "c", "b", "a");
	expect(ids(joined({ data: rows("h", "g", "f"), nextAfter: "f" }, loaded))).toBe("hgfedcba");
	expect(ids(joined({ data: rows("f", "d", "c"), nextAfter: "c" }, loaded))).toBe("fdcba");
	expect(ids(joined({ data: rows("f", "e"), nextAfter: null }, loaded))).toBe("fe");
	expect(ids(joined({ data: rows("f", "e"), nextAfter: "e" }, []))).toBe("fe");
});
