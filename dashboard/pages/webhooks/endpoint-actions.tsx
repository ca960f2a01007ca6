/** What can be done with an endpoint. Each action asks first, or shows what came of it. */
import { History, KeyRound, Power, Send, Trash2 } from "lucide";
import { useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { ApiError } from "../../../client/errors.ts";
import type { WebhookEndpoint } from "../../../client/schemas.ts";
import { holdfast } from "../../app/client.ts";
import { say } from "../../app/live-region.tsx";
import { can } from "../../app/session.ts";
import { useAction } from "../../data/action.ts";
import { counted } from "../../format/numbers.ts";
import { Button } from "../../parts/button.tsx";
import { Confirm, Dialog } from "../../parts/dialog.tsx";
import { ErrorBox } from "../../parts/error-box.tsx";
import { Field } from "../../parts/field.tsx";
import { EVENT_TYPES } from "./create-endpoint.tsx";
import { NewSecret } from "./new-secret.tsx";

interface Props {
	endpoint: WebhookEndpoint;
	onChange: () => Promise<void>;
}

type Open = "test" | "recover" | "rotate" | "enable" | "delete" | null;

export function EndpointActions({ endpoint, onChange }: Props) {
	const [open, setOpen] = useState<Open>(null);
	const [secret, setSecret] = useState<string | null>(null);
	const close = () => setOpen(null);
	const forget = () => {
		setSecret(null);
		void onChange();
	};
	if (!can("webhooks:write")) return null;
	const isEnabled = endpoint.status === "enabled";
	return (
		<>
			{isEnabled ? (
				<Button icon={Send} onClick={() => setOpen("test")}>
					Send test event
				</Button>
			) : (
				<Button kind="primary" icon={Power} onClick={() => setOpen("enable")}>
					Enable endpoint
				</Button>
			)}
			{isEnabled ? (
				<Button icon={History} onClick={() => setOpen("recover")}>
					Recover missed
				</Button>
			) : null}
			<Button icon={KeyRound} onClick={() => setOpen("rotate")}>
				Rotate secret
			</Button>
			<Button kind="danger" icon={Trash2} onClick={() => setOpen("delete")}>
				Delete endpoint
			</Button>
			{open === "test" ? <TestEndpoint endpoint={endpoint} onClose={close} /> : null}
			{open === "recover" ? <RecoverEndpoint endpoint={endpoint} onClose={close} /> : null}
			{open === "rotate" ? <RotateSecret endpoint={endpoint} onClose={close} onRotated={setSecret} /> : null}
			{open === "enable" ? <EnableEndpoint endpoint={endpoint} onChange={onChange} onClose={close} /> : null}
			{open === "delete" ? <DeleteEndpoint endpoint={endpoint} onClose={close} /> : null}
			{secret === null ? null : (
				<Dialog title="New signing secret" onClose={forget}>
					<NewSecret secret={secret} onClose={forget} />
				</Dialog>
			)}
		</>
	);
}

interface DialogProps {
	endpoint: WebhookEndpoint;
	onClose: () => void;
}

function TestEndpoint({ endpoint, onClose }: DialogProps) {
	const [type, setType] = useState("job.succeeded");
	const [reply, setReply] = useState<string | null>(null);
	const { isBusy, error, run } = useAction(async () => {
		setReply(null);
		const { status_code } = await holdfast.endpoints.test(endpoint.id, type);
		const isGood = status_code >= 200 && status_code < 300;
		setReply(`The endpoint replied ${status_code}${isGood ? "" : ", which counts as a failure for a real event"}.`);
	});
	return (
		<Dialog title="Send test event" onClose={onClose}>
			<form onSubmit={(event) => void run(event)}>
				<Field
					label="Event"
					hint="A signed sample with `test: true`. It is sent once, and is not among the deliveries."
				>
					{(control) => (
						<select {...control} value={type} onChange={(event) => setType(event.currentTarget.value)}>
							{EVENT_TYPES.map((one) => (
								<option key={one}>{one}</option>
							))}
						</select>
					)}
				</Field>
				{reply === null ? null : (
					<p class="reply" role="status">
						{reply}
					</p>
				)}
				<ErrorBox error={error} />
				<footer>
					<Button onClick={onClose}>Close</Button>
					<Button type="submit" kind="primary" isBusy={isBusy}>
						Send test event
					</Button>
				</footer>
			</form>
		</Dialog>
	);
}

const SINCE = { "1": "the last hour", "24": "the last 24 hours", "168": "the last 7 days", "720": "the last 30 days" };

function RecoverEndpoint({ endpoint, onClose }: DialogProps) {
	const [hours, setHours] = useState("24");
	const recover = async () => {
		const since = new Date(Date.now() - Number(hours) * 3_600_000).toISOString();
		let recovered = 0;
		for (let hasMore = true; hasMore; ) {
			const page = await holdfast.endpoints.recover(endpoint.id, { since });
			recovered += page.recovered;
			hasMore = page.has_more;
		}
		say(`${counted(recovered, "delivery is", "deliveries are")} sent again.`);
	};
	return (
		<Confirm title="Recover missed deliveries" action="Send them again" onConfirm={recover} onClose={onClose}>
			<p>All deliveries that were given up or skipped are sent again, the oldest first.</p>
			<Field label="Of">
				{(control) => (
					<select {...control} value={hours} onChange={(event) => setHours(event.currentTarget.value)}>
						{Object.entries(SINCE).map(([value, label]) => (
							<option key={value} value={value}>
								{label}
							</option>
						))}
					</select>
				)}
			</Field>
		</Confirm>
	);
}

function RotateSecret({ endpoint, onClose, onRotated }: DialogProps & { onRotated: (secret: string) => void }) {
	const [isKept, setKept] = useState(true);
	const rotate = async () => {
		const how = { keep_old_secret_active_for_24_hours: isKept };
		onRotated((await holdfast.endpoints.rotateSecret(endpoint.id, how)).signing_secret);
	};
	return (
		<Confirm
			title="Rotate signing secret"
			action="Create new secret"
			onConfirm={rotate}
			onClose={onClose}
			isDanger={!isKept}
		>
			<label class="option">
				<input type="radio" name="kept" checked={isKept} onChange={() => setKept(true)} />
				<span>The old secret signs too for 24 hours, so that nothing is interrupted</span>
			</label>
			<label class="option">
				<input type="radio" name="kept" checked={!isKept} onChange={() => setKept(false)} />
				<span>The old secret ends now, because it was leaked</span>
			</label>
		</Confirm>
	);
}

function EnableEndpoint({ endpoint, onChange, onClose }: DialogProps & Props) {
	const enable = async () => {
		await holdfast.endpoints.enable(endpoint.id);
		await onChange();
	};
	return (
		<Confirm title="Enable endpoint" action="Enable endpoint" onConfirm={enable} onClose={onClose}>
			<p>It receives later events again. “Recover missed” then sends what it missed.</p>
		</Confirm>
	);
}

function DeleteEndpoint({ endpoint, onClose }: DialogProps) {
	const { route } = useLocation();
	const remove = async () => {
		try {
			await holdfast.endpoints.delete(endpoint.id);
		} catch (error) {
			if (!(error instanceof ApiError && error.status === 404)) throw error;
		}
		route("/dashboard/webhooks");
	};
	return (
		<Confirm title={`Delete ${endpoint.name}`} action="Delete endpoint" isDanger onConfirm={remove} onClose={onClose}>
			<p>It receives nothing more, and its pending deliveries are skipped. This cannot be undone.</p>
		</Confirm>
	);
}
