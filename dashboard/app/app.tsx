/** The whole dashboard: who is signed in decides what is shown. */
import { CircleQuestionMark } from "lucide";
import { useState } from "preact/hooks";
import { ErrorBoundary, LocationProvider, Route, Router } from "preact-iso";
import { EmptyState } from "../parts/empty-state.tsx";
import { ErrorBox } from "../parts/error-box.tsx";
import { PageHeader } from "../parts/page-header.tsx";
import { CopyByHand } from "./copy-by-hand.tsx";
import { LiveRegion } from "./live-region.tsx";
import { NotAllowed } from "./not-allowed.tsx";
import type { Place } from "./places.ts";
import { can, findSession, sessionState } from "./session.ts";
import { Shell } from "./shell.tsx";
import { SignIn } from "./sign-in.tsx";

export function App({ places }: { places: Place[] }) {
	return (
		<LocationProvider scope={/^\/dashboard(\/|\?|$)/}>
			<SignedIn places={places} />
			<LiveRegion />
			<CopyByHand />
		</LocationProvider>
	);
}

function SignedIn({ places }: { places: Place[] }) {
	const state = sessionState.value;
	switch (state.is) {
		case "unknown":
			return null;
		case "signed out":
			return <SignIn why={state.why} error={state.error} />;
		case "unreachable":
			return (
				<main class="alone">
					<ErrorBox error={state.error} onRetry={() => void findSession()} />
				</main>
			);
		case "signed in":
			// Another key begins with pages of its own.
			return <Pages key={state.session.key.id} places={places} />;
	}
}

function Pages({ places }: { places: Place[] }) {
	const [error, setError] = useState<unknown>(null);
	return (
		<Shell places={places}>
			<ErrorBox error={error} onRetry={() => location.reload()} />
			<ErrorBoundary onError={setError}>
				<Router onRouteChange={() => setError(null)}>
					{places.map((place) =>
						place.scopes.every(can) ? (
							<Route key={place.path} path={place.path} component={PageOf} place={place} />
						) : (
							<Route key={place.path} path={place.path} component={NotAllowed} place={place} places={places} />
						),
					)}
					<Route default component={NoSuchPage} />
				</Router>
			</ErrorBoundary>
		</Shell>
	);
}

/** Of another job, it is another page: nothing that was shown or typed for the one before stays. */
function PageOf({ place: { page: Page }, ...parameters }: { place: Place; id?: string }) {
	return <Page key={parameters.id} {...parameters} />;
}

function NoSuchPage() {
	return (
		<>
			<PageHeader title="No such page" />
			<EmptyState icon={CircleQuestionMark} title="There is nothing at this address">
				<p>Check the address, or choose a page from the navigation.</p>
			</EmptyState>
		</>
	);
}
