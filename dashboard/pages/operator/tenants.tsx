/** The tenants and their limits. */
import type { Tenant } from "../../../client/schemas.ts";
import { holdfast } from "../../app/client.ts";
import { useList } from "../../data/list.ts";
import { bytes, whole } from "../../format/numbers.ts";
import { words } from "../../format/states.ts";
import { Copy } from "../../parts/copy.tsx";
import { ErrorBox } from "../../parts/error-box.tsx";
import { More } from "../../parts/more.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";

const shownLimit = (name: string, value: number) => (name === "stored_bytes" ? bytes(value) : whole(value));

function Limits({ limits }: { limits: Tenant["limits"] }) {
	return (
		<span class="limits">
			{Object.entries(limits).map(([name, value]) => (
				<span key={name}>
					<span class="soft">{words(name)}</span>{" "}
					{value === null || value === undefined ? "no limit" : shownLimit(name, value)}
				</span>
			))}
		</span>
	);
}

const COLUMNS: Column<Tenant>[] = [
	{
		id: "name",
		label: "Tenant",
		isTitle: true,
		cell: ({ id, name }) => (
			<span class="tenant-name">
				<strong class="breaks">{name}</strong>
				<span class="one-line">
					<code class="soft">{id}</code> <Copy text={id} label="Copy tenant id" />
				</span>
			</span>
		),
	},
	{ id: "limits", label: "Limits", cell: ({ limits }) => <Limits limits={limits} /> },
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
