/** Deliveries, newest first, with filters that the address has. */
import { Inbox } from "lucide";
import { useLocation } from "preact-iso";
import type { Delivery } from "../../../client/schemas.ts";
import { holdfast } from "../../app/client.ts";
import { useList } from "../../data/list.ts";
import { shownState } from "../../format/states.ts";
import { visible } from "../../format/visible.ts";
import { StateBadge } from "../../parts/badge.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { ErrorBox } from "../../parts/error-box.tsx";
import { More } from "../../parts/more.tsx";
import { NextTry } from "../../parts/next-try.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { EVENT_TYPES } from "./create-endpoint.tsx";

const STATES = ["pending", "delivered", "exhausted", "skipped"] as const;

/** What the last attempt came to. */
export function outcomeOf({ attempts }: Delivery): string {
	const last = attempts.at(-1);
	return last === undefined ? "–" : `${last.status ?? last.error ?? ""}`;
}

const COLUMNS: Column<Delivery>[] = [
	{ id: "state", label: "State", cell: ({ status }) => <StateBadge state={status} />, isTitle: true },
	{
		id: "event",
		label: "Event",
		cell: ({ id, event_type }) => <a href={`/dashboard/webhooks/deliveries/${id}`}>{event_type}</a>,
	},
	{
		id: "job",
		label: "Job",
		cell: ({ job_id }) =>
			job_id === null ? <span class="none">–</span> : <a href={`/dashboard/jobs/${job_id}`}>{job_id}</a>,
	},
	{
		id: "url",
		label: "Receiver",
		cell: ({ url }) => (
			<span class="address cut" title={visible(url)}>
				{visible(url)}
			</span>
		),
	},
	{ id: "outcome", label: "Last reply", cell: (delivery) => <span class="cut">{visible(outcomeOf(delivery))}</span> },
	{ id: "tries", label: "Tries", cell: ({ attempts }) => attempts.length, isNumber: true },
	{ id: "next", label: "Next try", cell: ({ next_attempt_at }) => <NextTry at={next_attempt_at} />, isNumber: true },
	{ id: "age", label: "Created", cell: ({ created_at }) => <Time at={created_at} />, isNumber: true },
];

/** @param path of the page, whose query has the filters */
export function Deliveries({ endpointId, path }: { endpointId?: string; path: string }) {
	const { query, route } = useLocation();
	const status = STATES.find((one) => one === query.status);
	const eventType = EVENT_TYPES.find((one) => one === query.event);
	const filter = {
		limit: 50,
		...(endpointId === undefined ? {} : { endpointId }),
		...(status === undefined ? {} : { status: [status] }),
		...(eventType === undefined ? {} : { eventType }),
	};
	const list = useList(
		`deliveries ${JSON.stringify(filter)}`,
		(signal) => holdfast.deliveries.list(filter, { signal }),
		{ pollMs: 5_000 },
	);
	const filterBy = (name: string, value: string) => {
		const next = new URLSearchParams({ ...query, [name]: value });
		for (const [key, one] of [...next]) if (one === "") next.delete(key);
		route(next.size === 0 ? path : `${path}?${next}`, true);
	};
	const columns = endpointId === undefined ? COLUMNS : COLUMNS.filter(({ id }) => id !== "url");
	return (
		<>
			<div class="filter-bar">
				<Choice label="State" value={status ?? ""} onChange={(value) => filterBy("status", value)} options={STATES} />
				<Choice
					label="Event"
					value={eventType ?? ""}
					onChange={(value) => filterBy("event", value)}
					options={EVENT_TYPES}
				/>
			</div>
			<ErrorBox error={list.error} onRetry={() => void list.refresh()} />
			{list.items?.length === 0 ? (
				<NoDeliveries isFiltered={status !== undefined || eventType !== undefined} hasMore={list.readMore !== null} />
			) : (
				<Table
					caption="Deliveries"
					columns={columns}
					rows={list.items ?? []}
					keyOf={({ id }) => id}
					isLoading={list.items === undefined}
				/>
			)}
			<More list={list} what="deliveries" />
		</>
	);
}

interface ChoiceProps {
	label: string;
	value: string;
	options: readonly string[];
	onChange: (value: string) => void;
}

function Choice({ label, value, options, onChange }: ChoiceProps) {
	return (
		<label class="picker">
			<span>{label}</span>
			<select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
				<option value="">All</option>
				{options.map((one) => (
					<option key={one} value={one}>
						{one.includes(".") ? one : shownState(one).word}
					</option>
				))}
			</select>
		</label>
	);
}

function NoDeliveries({ isFiltered, hasMore }: { isFiltered: boolean; hasMore: boolean }) {
	if (hasMore)
		return (
			<EmptyState icon={Inbox} title="None among the newest deliveries">
				<p>Older ones were not looked at yet.</p>
			</EmptyState>
		);
	return (
		<EmptyState icon={Inbox} title={isFiltered ? "No delivery matches" : "Nothing was sent yet"}>
			<p>
				{isFiltered
					? "Choose another state or event."
					: "A delivery appears here as soon as a job with a webhook, or one that an endpoint listens to, ends."}
			</p>
		</EmptyState>
	);
}
