/** JSON as a tree: folded where it is large, and long lists and texts shown a part at a time. */
import { useState } from "preact/hooks";
import { counted } from "../format/numbers.ts";
import { visible } from "../format/visible.ts";

/** A tree with more values than this is folded below its first level. */
const NODES_OPEN = 500;
const CHILDREN_SHOWN = 100;
const STRING_SHOWN = 2_000;
const DEPTH_SHOWN = 100;

/** How many values there are, counted up to `limit`. */
export function countNodes(value: unknown, limit: number): number {
	let count = 0;
	const waiting: unknown[] = [value];
	while (waiting.length > 0 && count < limit) {
		const one = waiting.pop();
		count += 1;
		if (typeof one === "object" && one !== null) waiting.push(...Object.values(one).slice(0, limit));
	}
	return count;
}

export function JsonTree({ value, label }: { value: unknown; label: string }) {
	const isLarge = countNodes(value, NODES_OPEN + 1) > NODES_OPEN;
	return (
		<section class="json" aria-label={label}>
			<JsonNode name={null} value={value} depth={0} isLarge={isLarge} />
		</section>
	);
}

interface NodeProps {
	name: string | null;
	value: unknown;
	depth: number;
	isLarge: boolean;
}

function JsonNode({ name, value, depth, isLarge }: NodeProps) {
	if (typeof value !== "object" || value === null || Object.keys(value).length === 0)
		return (
			<div class="json-leaf">
				<Name name={name} />
				<Scalar value={value} />
			</div>
		);
	return <Branch name={name} value={value} depth={depth} isLarge={isLarge} />;
}

function Branch({ name, value, depth, isLarge }: NodeProps & { value: object }) {
	const [isOpen, setOpen] = useState(depth < (isLarge ? 1 : 4));
	const [shown, setShown] = useState(CHILDREN_SHOWN);
	const keys = Object.keys(value);
	const isList = Array.isArray(value);
	const left = keys.length - shown;
	return (
		<details class="json-branch" open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
			<summary>
				<Name name={name} />
				<span class="json-size">
					{isList ? `[ ${counted(keys.length, "item")} ]` : `{ ${counted(keys.length, "field")} }`}
				</span>
			</summary>
			{!isOpen ? null : depth >= DEPTH_SHOWN ? (
				<p class="hint">Nested deeper than {DEPTH_SHOWN} levels. Open Raw to see it.</p>
			) : (
				<div class="json-children">
					{keys.slice(0, shown).map((key) => (
						<JsonNode
							key={key}
							name={isList ? null : key}
							value={Reflect.get(value, key)}
							depth={depth + 1}
							isLarge={isLarge}
						/>
					))}
					{left <= 0 ? null : (
						<button type="button" class="button quiet" onClick={() => setShown(shown + CHILDREN_SHOWN)}>
							Show {Math.min(left, CHILDREN_SHOWN)} more of {left}
						</button>
					)}
				</div>
			)}
		</details>
	);
}

function Name({ name }: { name: string | null }) {
	return name === null ? null : <span class="json-name">{visible(name.slice(0, STRING_SHOWN))}: </span>;
}

function Scalar({ value }: { value: unknown }) {
	const [isWhole, setWhole] = useState(false);
	if (typeof value !== "string") return <span class={`json-${typeof value}`}>{JSON.stringify(value)}</span>;
	const isCut = value.length > STRING_SHOWN && !isWhole;
	return (
		<>
			<span class="json-string">"{visible(isCut ? `${value.slice(0, STRING_SHOWN)}…` : value)}"</span>
			{isCut ? (
				<button type="button" class="button quiet" onClick={() => setWhole(true)}>
					Show all {counted(value.length, "character")}
				</button>
			) : null}
		</>
	);
}
