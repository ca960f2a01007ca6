/** Shown at every address until somebody has signed in, so that a link to a job leads there afterwards. */
import { useState } from "preact/hooks";
import { useAction } from "../data/action.ts";
import { Button } from "../parts/button.tsx";
import { ErrorBox } from "../parts/error-box.tsx";
import { Field } from "../parts/field.tsx";
import { signIn } from "./session.ts";
import { Wordmark } from "./wordmark.tsx";

const WHY = {
	new: null,
	ended: "Your session has ended. Sign in again to go on where you were.",
	left: "You have signed out.",
};

export function SignIn({ why, error }: { why: keyof typeof WHY; error: unknown }) {
	const [key, setKey] = useState("");
	const form = useAction(async () => await signIn(key.trim()));
	return (
		<main class="sign-in">
			<form onSubmit={(event) => void form.run(event)}>
				<Wordmark />
				<h1>Sign in</h1>
				{WHY[why] === null ? null : <p role="status">{WHY[why]}</p>}
				<Field label="API key" hint="It is swapped for a cookie of this browser, for 12 hours at most.">
					{(control) => (
						<input
							{...control}
							type="password"
							autoComplete="current-password"
							spellcheck={false}
							required
							placeholder="hf_…"
							value={key}
							onInput={(event) => setKey(event.currentTarget.value)}
						/>
					)}
				</Field>
				<ErrorBox error={form.error ?? error} />
				<Button type="submit" kind="primary" isBusy={form.isBusy}>
					Sign in
				</Button>
			</form>
		</main>
	);
}
