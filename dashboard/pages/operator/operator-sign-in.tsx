/** Swaps the operator's token for a cookie that counts for an hour. */
import { useState } from "preact/hooks";
import { holdfast } from "../../app/client.ts";
import { useAction } from "../../data/action.ts";
import { Button } from "../../parts/button.tsx";
import { ErrorBox } from "../../parts/error-box.tsx";
import { Field } from "../../parts/field.tsx";

export function OperatorSignIn({ onSignedIn }: { onSignedIn: () => Promise<void> }) {
	const [token, setToken] = useState("");
	const { isBusy, error, run } = useAction(async () => {
		await holdfast.admin.signIn(token.trim());
		await onSignedIn();
	});
	return (
		<form class="operator-sign-in" onSubmit={(event) => void run(event)}>
			<p>Tenants, limits and the state of the service are for those who run it.</p>
			<Field
				label="Operator's token"
				hint="The ADMIN_TOKEN of the service. It is swapped for a cookie of this browser, for one hour."
			>
				{(control) => (
					<input
						{...control}
						type="password"
						required
						autoComplete="off"
						spellcheck={false}
						value={token}
						onInput={(event) => setToken(event.currentTarget.value)}
					/>
				)}
			</Field>
			<ErrorBox error={error} />
			<Button type="submit" kind="primary" isBusy={isBusy}>
				Sign in as operator
			</Button>
		</form>
	);
}
