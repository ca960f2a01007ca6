/** A form that registers an endpoint, and then shows its secret. */
import { useState } from "preact/hooks";
import type { CreateWebhookEndpoint, WebhookEndpoint } from "../../../client/schemas.ts";
import { holdfast } from "../../app/client.ts";
import { useAction } from "../../data/action.ts";
import { Button } from "../../parts/button.tsx";
import { Dialog, useHeldDialog } from "../../parts/dialog.tsx";
import { ErrorBox } from "../../parts/error-box.tsx";
import { Field } from "../../parts/field.tsx";
import { NewSecret } from "./new-secret.tsx";

export const EVENT_TYPES = [
	"job.started",
	"job.succeeded",
	"job.failed",
	"job.cancelled",
	"job.expired",
	"endpoint.disabled",
] as const;

type Created = WebhookEndpoint & { signing_secret: string };

export function CreateEndpoint({ onClose, onCreated }: { onClose: () => void; onCreated: () => Promise<void> }) {
	const [created, setCreated] = useState<Created | null>(null);
	return (
		// One dialog for both, so that the focus stays in it.
		<Dialog title={created === null ? "Add endpoint" : "Endpoint added"} onClose={onClose}>
			{created === null ? (
				<EndpointForm
					onClose={onClose}
					onCreated={(endpoint) => {
						setCreated(endpoint);
						void onCreated();
					}}
				/>
			) : (
				<NewSecret secret={created.signing_secret} onClose={onClose} />
			)}
		</Dialog>
	);
}

function EndpointForm({ onClose, onCreated }: { onClose: () => void; onCreated: (endpoint: Created) => void }) {
	const [name, setName] = useState("");
	const [url, setUrl] = useState("");
	const [types, setTypes] = useState<string[]>(["job.succeeded", "job.failed"]);
	const [isThin, setThin] = useState(false);
	const { isBusy, error, run } = useAction(async () => {
		const event_types = types as CreateWebhookEndpoint["event_types"];
		onCreated(await holdfast.endpoints.create({ name, url, event_types, payload: isThin ? "thin" : "full" }));
	});
	useHeldDialog(isBusy);
	return (
		<form onSubmit={(event) => void run(event)}>
			<Field label="Name">
				{(control) => (
					<input
						{...control}
						required
						maxLength={200}
						value={name}
						onInput={(event) => setName(event.currentTarget.value)}
					/>
				)}
			</Field>
			<Field label="URL" hint="A public https address. Redirects are not followed.">
				{(control) => (
					<input {...control} type="url" required value={url} onInput={(event) => setUrl(event.currentTarget.value)} />
				)}
			</Field>
			<EventTypes types={types} onChange={setTypes} />
			<label class="option">
				<input type="checkbox" checked={isThin} onChange={(event) => setThin(event.currentTarget.checked)} />
				<span>Send ids and statuses only, without results</span>
			</label>
			<ErrorBox error={error} />
			<footer>
				<Button onClick={onClose} disabled={isBusy}>
					Go back
				</Button>
				<Button type="submit" kind="primary" isBusy={isBusy} disabled={types.length === 0}>
					Add endpoint
				</Button>
			</footer>
		</form>
	);
}

function EventTypes({ types, onChange }: { types: string[]; onChange: (types: string[]) => void }) {
	return (
		<fieldset class="options">
			<legend>Events</legend>
			{EVENT_TYPES.map((type) => (
				<label key={type} class="option">
					<input
						type="checkbox"
						checked={types.includes(type)}
						onChange={(event) =>
							onChange(event.currentTarget.checked ? [...types, type] : types.filter((one) => one !== type))
						}
					/>
					<code>{type}</code>
				</label>
			))}
		</fieldset>
	);
}
