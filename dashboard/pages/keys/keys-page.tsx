/** The API keys of the tenant: who may do what, and who still does. */
import { Eye, Plus } from "lucide";
import { useState } from "preact/hooks";
import type { ApiKey } from "../../../client/schemas.ts";
import { holdfast } from "../../app/client.ts";
import { sessionState } from "../../app/session.ts";
import { now } from "../../data/clock.ts";
import { useList } from "../../data/list.ts";
import { visible } from "../../format/visible.ts";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { ErrorBox } from "../../parts/error-box.tsx";
import { More } from "../../parts/more.tsx";
import { PageHeader } from "../../parts/page-header.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { CreateKey, READ_ONLY } from "./create-key.tsx";
import { RevokeKey } from "./revoke-key.tsx";
import "./keys.css";

const ownId = () => (sessionState.value.is === "signed in" ? sessionState.value.session.key.id : null);

const isOver = ({ revoked_at, expires_at }: ApiKey) =>
	revoked_at !== null || (expires_at !== null && Date.parse(expires_at) <= now.value);

function stateOf(key: ApiKey) {
	if (key.revoked_at !== null) return <Badge tone="idle">Revoked</Badge>;
	if (isOver(key)) return <Badge tone="idle">Expired</Badge>;
	return <Badge tone="good">In force</Badge>;
}

const columns = (onRevoke: (key: ApiKey) => void): Column<ApiKey>[] => [
	{
		id: "name",
		label: "Key",
		isTitle: true,
		cell: ({ id, name }) => (
			<span class="key-name">
				<strong class="breaks">{visible(name)}</strong>
				<code class="soft">
					{id}
					{id === ownId() ? " · this session" : ""}
				</code>
			</span>
		),
	},
	{ id: "state", label: "State", cell: stateOf },
	{ id: "scopes", label: "May", cell: ({ scopes }) => <Scopes scopes={scopes} /> },
	{ id: "used", label: "Last used", cell: ({ last_used_at }) => <Time at={last_used_at} />, isNumber: true },
	{ id: "expires", label: "Expires", cell: ({ expires_at }) => <Time at={expires_at} />, isNumber: true },
	{ id: "created", label: "Created", cell: ({ created_at }) => <Time at={created_at} />, isNumber: true },
	{
		id: "actions",
		label: "Actions",
		isBare: true,
		cell: (key) =>
			isOver(key) ? null : (
				<Button kind="danger" onClick={() => onRevoke(key)}>
					Revoke<span class="unseen"> {visible(key.name)}</span>
				</Button>
			),
	},
];

function Scopes({ scopes }: { scopes: string[] }) {
	const isReadOnly = scopes.length === READ_ONLY.length && READ_ONLY.every((scope) => scopes.includes(scope));
	return isReadOnly ? <Badge tone="idle">Read-only</Badge> : <code class="breaks soft">{scopes.join(" ")}</code>;
}

export default function KeysPage() {
	const list = useList("keys", (signal) => holdfast.keys.list({ limit: 100 }, { signal }), { pollMs: 15_000 });
	const [open, setOpen] = useState<"any" | "read-only" | ApiKey | null>(null);
	const close = () => setOpen(null);
	return (
		<>
			<PageHeader title="API keys">
				<Button icon={Eye} onClick={() => setOpen("read-only")}>
					Read-only for a colleague
				</Button>
				<Button kind="primary" icon={Plus} onClick={() => setOpen("any")}>
					Create key
				</Button>
			</PageHeader>
			<ErrorBox error={list.error} onRetry={() => void list.refresh()} />
			<Table
				caption="API keys"
				columns={columns(setOpen)}
				rows={list.items ?? []}
				keyOf={({ id }) => id}
				isLoading={list.items === undefined}
			/>
			<More list={list} what="keys" />
			{open === "any" || open === "read-only" ? (
				<CreateKey isReadOnly={open === "read-only"} onClose={close} onCreated={list.refresh} />
			) : null}
			{open !== null && typeof open === "object" ? (
				<RevokeKey apiKey={open} isOwn={open.id === ownId()} onClose={close} onRevoked={list.refresh} />
			) : null}
		</>
	);
}
