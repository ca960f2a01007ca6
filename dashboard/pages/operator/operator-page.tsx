/** The operator's view of the whole service, behind a sign-in of its own. */
import { Unauthorized } from "../../../client/errors.ts";
import { holdfast } from "../../app/client.ts";
import { useAction } from "../../data/action.ts";
import { useResource } from "../../data/resource.ts";
import { Button } from "../../parts/button.tsx";
import { ErrorBox } from "../../parts/error-box.tsx";
import { PageHeader } from "../../parts/page-header.tsx";
import { Time } from "../../parts/time.tsx";
import { OperatorSignIn } from "./operator-sign-in.tsx";
import { ServiceStatus } from "./service-status.tsx";
import { Tenants } from "./tenants.tsx";
import "./operator.css";

export default function OperatorPage() {
	const session = useResource("operator", (signal) => holdfast.admin.session({ signal }), { pollMs: 60_000 });
	const { error, run: signOut } = useAction(async () => {
		await holdfast.admin.signOut();
		await session.refresh();
	});
	const isSignedOut = session.error instanceof Unauthorized;
	return (
		<>
			<PageHeader title="Operator">
				{session.value !== undefined && !isSignedOut ? (
					<>
						<span class="soft until">
							Signed in, ends <Time at={session.value.expires_at} />
						</span>
						<Button onClick={() => void signOut()}>Sign out as operator</Button>
					</>
				) : null}
			</PageHeader>
			<ErrorBox error={error ?? (isSignedOut ? null : session.error)} />
			{isSignedOut ? <OperatorSignIn onSignedIn={session.refresh} /> : null}
			{session.value !== undefined && !isSignedOut ? (
				<>
					<ServiceStatus />
					<Tenants />
				</>
			) : null}
		</>
	);
}
