/** Instead of a page that the service would refuse to the key: what the key lacks, and what it may see. */
import { Lock } from "lucide";
import { EmptyState } from "../parts/empty-state.tsx";
import { PageHeader } from "../parts/page-header.tsx";
import { type Place, shownPlaces } from "./places.ts";
import { can } from "./session.ts";

export function NotAllowed({ place, places }: { place: Place; places: Place[] }) {
	const missing = place.scopes.filter((scope) => !can(scope));
	return (
		<>
			<PageHeader title={place.nav?.label ?? "Not allowed"} />
			<EmptyState icon={Lock} title="Your key may not see this page">
				<p>
					It lacks the scope <code>{missing.join(" ")}</code>. Sign in with a key that has it, or go to a page that
					yours may see:
				</p>
				<ul class="may-see">
					{shownPlaces(places).map(({ path, nav }) => (
						<li key={path}>
							<a href={path}>{nav.label}</a>
						</li>
					))}
				</ul>
			</EmptyState>
		</>
	);
}
