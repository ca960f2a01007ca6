/** Which rows are selected, and which one the keyboard is at. */
import { useState } from "preact/hooks";
import type { Job } from "../../../client/schemas.ts";
import { between } from "./live-rows.ts";

export interface Selection {
	ids: ReadonlySet<string>;
	/** The row that the keyboard is at. Null: none yet. */
	current: string | null;
	toggle(id: string, withRange: boolean): void;
	toggleAll(): void;
	/** These, and no others. */
	select(ids: string[]): void;
	clear(): void;
	/** @param by one row down, or one up */
	move(by: 1 | -1): void;
}

/** @param first the row that the keyboard is at */
export function useSelection(rows: Job[], first: string | null): Selection {
	const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
	const [current, setCurrent] = useState(first);
	const toggle = (id: string, withRange: boolean) => {
		const range = withRange && current !== null ? between(rows, current, id) : [id];
		const next = new Set(ids);
		for (const one of range) {
			if (ids.has(id)) next.delete(one);
			else next.add(one);
		}
		setIds(next);
		setCurrent(id);
	};
	const move = (by: 1 | -1) => {
		const at = rows.findIndex(({ id }) => id === current);
		const next = rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + by))];
		if (next === undefined) return;
		setCurrent(next.id);
		document.querySelector(`tr[data-key="${CSS.escape(next.id)}"]`)?.scrollIntoView({ block: "nearest" });
	};
	return {
		ids,
		current,
		toggle,
		toggleAll: () => setIds(ids.size === rows.length ? new Set() : new Set(rows.map(({ id }) => id))),
		select: (next) => setIds(new Set(next)),
		clear: () => setIds(new Set()),
		move,
	};
}
