/** Asks before a key is revoked: when it was last used says whether anybody will miss it. */
import type { ApiKey } from "../../../client/schemas.ts";
import { holdfast } from "../../app/client.ts";
import { Confirm } from "../../parts/dialog.tsx";
import { Time } from "../../parts/time.tsx";

interface Props {
	apiKey: ApiKey;
	/** Of this session, which ends with it. */
	isOwn: boolean;
	onClose: () => void;
	onRevoked: () => Promise<void>;
}

export function RevokeKey({ apiKey: { id, name, last_used_at }, isOwn, onClose, onRevoked }: Props) {
	const revoke = async () => {
		await holdfast.keys.revoke(id);
		await onRevoked();
	};
	return (
		<Confirm title={`Revoke ${name}`} action="Revoke key" isDanger onConfirm={revoke} onClose={onClose}>
			<p>
				{last_used_at === null ? (
					"It has never been used."
				) : (
					<>
						It was last used within the hour of <Time at={last_used_at} />.
					</>
				)}
			</p>
			<p>Requests with it fail from now on, and so do those with keys that it created. This cannot be undone.</p>
			{isOwn ? (
				<p>
					<strong>You are signed in with it: your session ends, too.</strong>
				</p>
			) : null}
		</Confirm>
	);
}
