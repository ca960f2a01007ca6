/** A form that creates an API key, and then shows it, once. */
import { useState } from "preact/hooks";
import type { CreateApiKey, NewApiKey } from "../../../client/schemas.ts";
import { holdfast } from "../../app/client.ts";
import { can } from "../../app/session.ts";
import { useAction } from "../../data/action.ts";
import { Button } from "../../parts/button.tsx";
import { Code, Copy } from "../../parts/copy.tsx";
import { Dialog, useHeldDialog } from "../../parts/dialog.tsx";
import { ErrorBox } from "../../parts/error-box.tsx";
import { Field } from "../../parts/field.tsx";

export const READ_ONLY = ["jobs:read", "webhooks:read", "usage:read"];

const SCOPES: Record<string, string> = {
	"jobs:read": "see jobs, prompts and results",
	"jobs:write": "submit, cancel, retry and delete jobs",
	"webhooks:read": "see endpoints and deliveries",
	"webhooks:write": "change endpoints, and so receive every event",
	"secrets:read": "see signing secrets",
	"usage:read": "see usage",
	"keys:manage": "create and revoke keys",
};

const DAYS = { "": "Never", "1": "In a day", "7": "In a week", "30": "In 30 days", "90": "In 90 days" };

interface Props {
	isReadOnly: boolean;
	onClose: () => void;
	onCreated: () => Promise<void>;
}

export function CreateKey({ isReadOnly, onClose, onCreated }: Props) {
	const [created, setCreated] = useState<NewApiKey | null>(null);
	const title = isReadOnly ? "Read-only key" : "Create key";
	return (
		// One dialog for both, so that the focus stays in it.
		<Dialog title={created === null ? title : "Key created"} onClose={onClose}>
			{created === null ? (
				<KeyForm
					isReadOnly={isReadOnly}
					onClose={onClose}
					onCreated={(key) => {
						setCreated(key);
						void onCreated();
					}}
				/>
			) : (
				<NewKey created={created} onClose={onClose} />
			)}
		</Dialog>
	);
}

function KeyForm({
	isReadOnly,
	onClose,
	onCreated,
}: Omit<Props, "onCreated"> & { onCreated: (key: NewApiKey) => void }) {
	const [name, setName] = useState("");
	const [scopes, setScopes] = useState<string[]>(READ_ONLY.filter(can));
	const [days, setDays] = useState("");
	const { isBusy, error, run } = useAction(async () => {
		const expires = days === "" ? {} : { expires_at: new Date(Date.now() + Number(days) * 86_400_000).toISOString() };
		onCreated(await holdfast.keys.create({ name, scopes: scopes as NonNullable<CreateApiKey["scopes"]>, ...expires }));
	});
	useHeldDialog(isBusy);
	return (
		<form onSubmit={(event) => void run(event)}>
			{isReadOnly ? (
				<p>It sees jobs, webhooks and usage, and changes nothing. Your colleague signs in with it.</p>
			) : null}
			<Field label="Name" hint="One key for each person or program: the audit log names it.">
				{(control) => (
					<input
						{...control}
						required
						maxLength={200}
						placeholder={isReadOnly ? "Ana's dashboard" : "Nightly import"}
						value={name}
						onInput={(event) => setName(event.currentTarget.value)}
					/>
				)}
			</Field>
			{isReadOnly ? null : <ScopeChoice scopes={scopes} onChange={setScopes} />}
			<Expiry days={days} onChange={setDays} />
			<ErrorBox error={error} />
			<footer>
				<Button onClick={onClose} disabled={isBusy}>
					Go back
				</Button>
				<Button type="submit" kind="primary" isBusy={isBusy} disabled={scopes.length === 0}>
					Create key
				</Button>
			</footer>
		</form>
	);
}

function Expiry({ days, onChange }: { days: string; onChange: (days: string) => void }) {
	return (
		<Field label="Expires" hint="No later than the key that you are signed in with.">
			{(control) => (
				<select {...control} value={days} onChange={(event) => onChange(event.currentTarget.value)}>
					{Object.entries(DAYS).map(([value, label]) => (
						<option key={value} value={value}>
							{label}
						</option>
					))}
				</select>
			)}
		</Field>
	);
}

function ScopeChoice({ scopes, onChange }: { scopes: string[]; onChange: (scopes: string[]) => void }) {
	return (
		<fieldset class="options">
			<legend>It may</legend>
			{Object.entries(SCOPES)
				.filter(([scope]) => can(scope))
				.map(([scope, meaning]) => (
					<label key={scope} class="option">
						<input
							type="checkbox"
							checked={scopes.includes(scope)}
							onChange={(event) =>
								onChange(event.currentTarget.checked ? [...scopes, scope] : scopes.filter((one) => one !== scope))
							}
						/>
						<span>
							{meaning} <code class="soft">{scope}</code>
						</span>
					</label>
				))}
		</fieldset>
	);
}

function NewKey({ created, onClose }: { created: NewApiKey; onClose: () => void }) {
	useHeldDialog(true);
	return (
		<div class="dialog-body">
			<p>
				<strong>It is shown only now.</strong> Send it as a bearer token, or sign in with it on this dashboard.
			</p>
			<Code text={created.key} label="Copy key" />
			<footer>
				<Copy text={created.key} label="Copy key" isNamed />
				<Button kind="primary" onClick={onClose}>
					I have kept it
				</Button>
			</footer>
		</div>
	);
}
