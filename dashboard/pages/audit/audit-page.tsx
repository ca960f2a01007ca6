/** Who changed what, newest first. */
import { ScrollText } from "lucide";
import { useLocation } from "preact-iso";
import type { ApiKey, AuditEntry } from "../../../client/schemas.ts";
import { holdfast } from "../../app/client.ts";
import { useList } from "../../data/list.ts";
import { useResource } from "../../data/resource.ts";
import { counted } from "../../format/numbers.ts";
import { visible } from "../../format/visible.ts";
import { Copy } from "../../parts/copy.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { ErrorBox } from "../../parts/error-box.tsx";
import { More } from "../../parts/more.tsx";
import { PageHeader } from "../../parts/page-header.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { actionWords } from "./action-words.ts";

const PAGES: Record<string, string> = { job: "jobs", we: "webhooks", dlv: "webhooks/deliveries" };

function Target({ id }: { id: string }) {
	const page = PAGES[id.split("_")[0] ?? ""];
	return page === undefined ? <code>{id}</code> : <a href={`/dashboard/${page}/${id}`}>{id}</a>;
}

const columns = (nameOf: (actor: string) => string, onActor: (actor: string) => void): Column<AuditEntry>[] => [
	{ id: "action", label: "What", cell: ({ action }) => actionWords(action), isTitle: true },
	{
		id: "actor",
		label: "Who",
		cell: ({ actor }) => (
			<button type="button" class="link-button" title={`Show what ${nameOf(actor)} did`} onClick={() => onActor(actor)}>
				{nameOf(actor)}
			</button>
		),
	},
	{ id: "target", label: "Of", cell: ({ target_id }) => <Target id={target_id} /> },
	{
		id: "request",
		label: "Request",
		cell: ({ request_id }) => (
			<span class="one-line">
				<code class="soft">{request_id}</code> <Copy text={request_id} label="Copy request id" />
			</span>
		),
	},
	{ id: "when", label: "When", cell: ({ created_at }) => <Time at={created_at} />, isNumber: true },
];

export default function AuditPage() {
	const { query, route } = useLocation();
	const list = useList("audit", (signal) => holdfast.audit.list({ limit: 100 }, { signal }), { pollMs: 15_000 });
	const nameOf = useNames();
	const actor = query.actor ?? "";
	const showBy = (one: string) =>
		route(one === "" ? "/dashboard/audit" : `/dashboard/audit?actor=${encodeURIComponent(one)}`, true);
	const shown = list.items?.filter((entry) => actor === "" || entry.actor === actor);
	const actors = [...new Set([...(list.items ?? []).map((entry) => entry.actor), ...(actor === "" ? [] : [actor])])];
	return (
		<>
			<PageHeader title="Audit log" />
			<Who actor={actor} actors={actors} nameOf={nameOf} onChange={showBy} />
			<ErrorBox error={list.error} onRetry={() => void list.refresh()} />
			{shown?.length === 0 ? (
				<EmptyState icon={ScrollText} title={actor === "" ? "Nothing was changed yet" : "Nothing by this one so far"}>
					<p>
						{list.readMore === null
							? "Keys, endpoints, secrets, sign-ins and erased jobs leave an entry here. Submissions do not: each is in its job."
							: "Older entries were not looked at yet."}
					</p>
				</EmptyState>
			) : (
				<Table
					caption="Audit log"
					columns={columns(nameOf, showBy)}
					rows={shown ?? []}
					keyOf={({ id }) => id}
					isLoading={shown === undefined}
				/>
			)}
			{actor !== "" && list.readMore !== null ? (
				<p class="hint">
					Only the newest {counted(list.items?.length ?? 0, "entry", "entries")} were searched. Show older ones to
					search further.
				</p>
			) : null}
			<More list={list} what="entries" />
		</>
	);
}

/** The names of the tenant's newest keys. An actor without one is shown by its id. */
function useNames(): (actor: string) => string {
	const keys = useResource<ApiKey[]>(
		"names of keys",
		async (signal) => (await holdfast.keys.list({ limit: 100 }, { signal })).data,
	);
	const names = new Map((keys.value ?? []).map(({ id, name }) => [id, name]));
	return (actor) => (actor === "operator" ? "Operator" : visible(names.get(actor) ?? actor));
}

interface WhoProps {
	actor: string;
	actors: string[];
	nameOf: (actor: string) => string;
	onChange: (actor: string) => void;
}

function Who({ actor, actors, nameOf, onChange }: WhoProps) {
	return (
		<div class="filter-bar">
			<label class="picker">
				<span>Who</span>
				<select value={actor} onChange={(event) => onChange(event.currentTarget.value)}>
					<option value="">Everyone</option>
					{actors.map((one) => (
						<option key={one} value={one}>
							{nameOf(one)}
						</option>
					))}
				</select>
			</label>
		</div>
	);
}
