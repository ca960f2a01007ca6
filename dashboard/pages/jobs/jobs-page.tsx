/** The jobs of the tenant, newest first: filtered, patched while they are read, selected and acted upon. */

import { useEffect, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import type { Job, Stats } from "../../../client/schemas.ts";
import { holdfast } from "../../app/client.ts";
import { say } from "../../app/live-region.tsx";
import { can } from "../../app/session.ts";
import { type Shortcut, useShortcuts } from "../../app/shortcuts.ts";
import { useResource } from "../../data/resource.ts";
import { counted, whole } from "../../format/numbers.ts";
import { shownState } from "../../format/states.ts";
import { Button } from "../../parts/button.tsx";
import { ErrorBox } from "../../parts/error-box.tsx";
import { PageHeader } from "../../parts/page-header.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Tabs } from "../../parts/tabs.tsx";
import { type ActionName, ConfirmAction, fitting, SelectionBar } from "./bulk-actions.tsx";
import { ColumnPicker, shownColumns } from "./columns.tsx";
import { FILTER_BOX, FilterBox } from "./filter-box.tsx";
import { addressOf, type Filters, filtersOf, STATES, wrongIn } from "./filters.ts";
import { type JobRows, useJobRows } from "./job-rows.ts";
import { NoJobs, WrongAddress } from "./no-jobs.tsx";
import { rowLeft, useIsReturn, useKeptRow } from "./place.ts";
import { type Selection, useSelection } from "./selection.ts";
import "./jobs.css";

export default function JobsPage() {
	const { query } = useLocation();
	const wrong = wrongIn(query);
	const filters = filtersOf(query);
	return (
		<>
			<PageHeader title="Jobs">
				<ColumnPicker />
			</PageHeader>
			<StateTabs filters={filters} />
			{wrong.length === 0 ? <JobList filters={filters} /> : <WrongAddress wrong={wrong} filters={filters} />}
		</>
	);
}

function JobList({ filters }: { filters: Filters }) {
	const { route } = useLocation();
	const [isHeld, setHeld] = useState(false);
	const address = addressOf(filters);
	const isReturn = useIsReturn(address);
	const list = useJobRows(filters, { isHeld, isReturn });
	const rows = list.rows ?? [];
	const selection = useSelection(rows, isReturn ? rowLeft(address) : null);
	useKeptRow(address, selection.current);
	const [act, setAct] = useState<{ name: ActionName; jobs: Job[] } | null>(null);
	const selected = rows.filter(({ id }) => selection.ids.has(id));
	useEffect(() => setHeld(selection.ids.size > 0), [selection.ids]);
	useEffect(selection.clear, [address]);
	const targets = selected.length > 0 ? selected : rows.filter(({ id }) => id === selection.current);
	useShortcuts("Jobs", rowShortcuts({ selection, targets, onAct: (name) => setAct({ name, jobs: targets }), route }));
	return (
		<>
			<FilterBox
				filters={filters}
				rows={rows}
				onFilter={(next) => route(addressOf(next))}
				onOpen={(id) => route(`/dashboard/jobs/${id}`)}
			/>
			<ErrorBox error={list.error} onRetry={() => void list.refresh()} />
			<div class="jobs">
				<Unseen list={list} isHidden={selected.length > 0} />
				<Rows list={list} filters={filters} selection={selection} />
				<Rest list={list} />
			</div>
			{selected.length === 0 ? null : (
				<SelectionBar jobs={selected} onAct={(name) => setAct({ name, jobs: selected })} onClear={selection.clear} />
			)}
			{act === null ? null : (
				<ConfirmAction
					{...act}
					onTried={(failed) => {
						selection.select(failed.map(({ id }) => id));
						void list.refresh();
					}}
					onClose={() => setAct(null)}
				/>
			)}
		</>
	);
}

interface RowKeys {
	selection: Selection;
	targets: Job[];
	onAct(name: ActionName): void;
	route(url: string): void;
}

function rowShortcuts({ selection, targets, onAct, route }: RowKeys): Shortcut[] {
	const { current } = selection;
	const actIfAny = (name: ActionName) => () => {
		if (can("jobs:write") && fitting(name, targets).length > 0) onAct(name);
	};
	const reading: Shortcut[] = [
		{ keys: "/", label: "Filter", run: () => document.getElementById(FILTER_BOX)?.focus() },
		{ keys: "j", label: "Next job", run: () => selection.move(1) },
		{ keys: "k", label: "Previous job", run: () => selection.move(-1) },
		{ keys: "Enter", label: "Open the job", run: () => current !== null && route(`/dashboard/jobs/${current}`) },
	];
	const writing: Shortcut[] = [
		{ keys: "x", label: "Select the job", run: () => current !== null && selection.toggle(current, false) },
		{ keys: "c", label: "Cancel", run: actIfAny("cancel") },
		{ keys: "r", label: "Retry", run: actIfAny("retry") },
		{ keys: "e", label: "Edit and retry", run: () => current !== null && route(`/dashboard/jobs/${current}/retry`) },
		{ keys: "d", label: "Delete", run: actIfAny("delete") },
	];
	return can("jobs:write") ? [...reading, ...writing] : reading;
}

function StateTabs({ filters }: { filters: Filters }) {
	const { value } = useResource("stats", (signal) => holdfast.stats({ signal }), { pollMs: 10_000 });
	return (
		<Tabs
			label="States"
			tabs={[null, ...STATES].map((status) => ({
				href: addressOf({ ...filters, status }),
				label: status === null ? "All" : shownState(status).word,
				count: value === undefined ? undefined : openJobs(value, status),
				isCurrent: filters.status === status,
			}))}
		/>
	);
}

/** Undefined: jobs in this state are not counted, or there are none. */
function openJobs({ open, due_later }: Stats, status: string | null): string | undefined {
	const due = open.filter((one) => one.status === status).map(({ jobs }) => jobs);
	const counts = status === "queued" ? [...due, due_later] : due;
	const sum = counts.reduce((total, { value }) => total + value, 0);
	if (sum === 0) return undefined;
	return `${whole(sum)}${counts.some(({ or_more }) => or_more) ? "+" : ""}`;
}

function Unseen({ list, isHidden }: { list: JobRows; isHidden: boolean }) {
	const { length } = list.unseen;
	useEffect(() => {
		if (length > 0) say(counted(length, "new job"));
	}, [length]);
	if (length === 0 || isHidden) return null;
	const count = length >= 100 ? "100 or more new jobs" : counted(length, "new job");
	return (
		<button type="button" class="unseen-jobs" onClick={list.showUnseen}>
			Show {count}
		</button>
	);
}

function Rows({ list, filters, selection }: { list: JobRows; filters: Filters; selection: Selection }) {
	const { rows } = list;
	if (rows?.length === 0 && list.readMore === null) return <NoJobs filters={filters} />;
	const select: Column<Job> = {
		id: "select",
		label: "Select",
		isBare: true,
		head: (
			<label>
				<input
					type="checkbox"
					aria-label="Select all jobs of the list"
					checked={selection.ids.size > 0 && selection.ids.size === rows?.length}
					onChange={selection.toggleAll}
				/>
			</label>
		),
		cell: ({ id }) => (
			<label>
				<input
					type="checkbox"
					aria-label={`Select ${id}`}
					checked={selection.ids.has(id)}
					onClick={(event) => selection.toggle(id, event.shiftKey)}
				/>
			</label>
		),
	};
	return (
		<Table
			caption="Jobs, newest first"
			columns={[...(can("jobs:write") ? [select] : []), ...shownColumns()]}
			rows={rows ?? []}
			keyOf={({ id }) => id}
			currentKey={selection.current}
			isSelected={({ id }) => selection.ids.has(id)}
			onRowClick={({ id }, event) => event.shiftKey && isFreeOfControls(event) && selection.toggle(id, true)}
			isLoading={rows === undefined && (list.error === null || list.error === undefined)}
		/>
	);
}

const isFreeOfControls = ({ target }: MouseEvent) =>
	target instanceof Element && target.closest("a, label, time") === null;

function Rest({ list: { rows, readMore, isReadingMore, isShort } }: { list: JobRows }) {
	if (readMore === null || rows === undefined) return null;
	return (
		<p class="list-more">
			{isShort ? <span>Looked at 1,000 jobs: {counted(rows.length, "match", "matches")} so far.</span> : null}
			<Button isBusy={isReadingMore} onClick={() => void readMore()}>
				{isShort ? "Go on" : "Load more"}
			</Button>
		</p>
	);
}
