/** The tenants and their limits. */
import type { Tenant } from "../../../client/schemas.ts";
import { holdfast } from "../../app/client.ts";
import { useList } from "../../data/list.ts";
import { bytes, whole } from "../../format/numbers.ts";
import { words } from "../../format/states.ts";
import { visible } from "../../format/visible.ts";
import { Copy } from "../../parts/copy.tsx";
import { ErrorBox } from "../../parts/error-box.tsx";
import { More } from "../../parts/more.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";

type Use = NonNullable<Tenant["use"]>;

/** Which use a limit bounds. */
const USES: Record<string, keyof Use> = {
	open_jobs: "open_jobs",
	tokens_per_day: "tokens_today",
	stored_bytes: "stored_bytes",
};

function Limits({ tenant: { limits, use } }: { tenant: Tenant }) {
	return (
		<span class="limits">
			{Object.entries(limits).map(([name, limit]) => (
				<Limit
					key={name}
					name={name}
					limit={limit ?? null}
					used={USES[name] === undefined ? null : (use?.[USES[name]] ?? null)}
				/>
			))}
		</span>
	);
}

function Limit({ name, limit, used }: { name: string; limit: number | null; used: number | null }) {
	const shown = name === "stored_bytes" ? bytes : whole;
	const isFull = limit !== null && used !== null && used >= limit * NEARLY_FULL;
	return (
		<span class={isFull ? "limit full" : "limit"}>
			<span class="soft">{words(name)}</span> {used === null ? null : `${shown(used)} of `}
			{limit === null ? "no limit" : shown(limit)}
			{isFull ? " (nearly used up)" : null}
		</span>
	);
}

const NEARLY_FULL = 0.9;

const COLUMNS: Column<Tenant>[] = [
	{
		id: "name",
		label: "Tenant",
		isTitle: true,
		cell: ({ id, name }) => (
			<span class="tenant-name">
				<strong class="breaks">{visible(name)}</strong>
				<span class="one-line">
					<code class="soft">{id}</code> <Copy text={id} label="Copy tenant id" />
				</span>
			</span>
		),
	},
	{ id: "limits", label: "Use and limits", cell: (tenant) => <Limits tenant={tenant} /> },
	{ id: "created", label: "Created", cell: ({ created_at }) => <Time at={created_at} />, isNumber: true },
];

export function Tenants() {
	const list = useList("tenants", (signal) => holdfast.admin.tenants({ limit: 50 }, { signal }), { pollMs: 30_000 });
	return (
		<section>
			<h2 class="section">Tenants</h2>
			<ErrorBox error={list.error} onRetry={() => void list.refresh()} />
			<Table
				caption="Tenants"
				columns={COLUMNS}
				rows={list.items ?? []}
				keyOf={({ id }) => id}
				isLoading={list.items === undefined}
			/>
			<More list={list} what="tenants" />
		</section>
	);
}
