/** What surrounds every page: navigation, who is signed in, and the switches that hold for all pages. */
import { Clock, Hourglass, Keyboard, LogOut, Menu, Monitor, Moon, Pause, Play, Sun, X } from "lucide";
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import type { Session } from "../../client/schemas.ts";
import { useAction } from "../data/action.ts";
import { askedToWaitUntil, isPaused } from "../data/resource.ts";
import { isAbsolute, theme, zone } from "../data/settings.ts";
import { absoluteTime } from "../format/times.ts";
import { visible } from "../format/visible.ts";
import { Button } from "../parts/button.tsx";
import { ErrorBox } from "../parts/error-box.tsx";
import { Icon } from "../parts/icon.tsx";
import { switchTimes } from "../parts/time.tsx";
import { say } from "./live-region.tsx";
import { type Place, type ShownPlace, shownPlaces } from "./places.ts";
import { isReadOnly, sessionState, signOut } from "./session.ts";
import { ShortcutSheet } from "./shortcut-sheet.tsx";
import { useShortcuts } from "./shortcuts.ts";
import { nextTheme } from "./theme.ts";
import { Wordmark } from "./wordmark.tsx";

export function Shell({ places, children }: { places: Place[]; children: ComponentChildren }) {
	const { route, path } = useLocation();
	const [isMenuOpen, setMenuOpen] = useState(false);
	const [hasSheet, setSheet] = useState(false);
	const shown = shownPlaces(places);
	useEffect(() => setMenuOpen(false), [path]);
	useShortcuts("Everywhere", [
		...shown.map(({ path, nav }) => ({ keys: `g ${nav.key}`, label: `Go to ${nav.label}`, run: () => route(path) })),
		{ keys: ".", label: "Pause or resume updates", run: switchUpdates },
		{ keys: "t", label: "Switch the theme", run: nextTheme },
		{ keys: "?", label: "Show these shortcuts", run: () => setSheet(true) },
	]);
	return (
		<div class="shell">
			<a class="skip" href="#main">
				Skip to the page
			</a>
			<header class="bar">
				<a href="/dashboard" class="home" aria-label="Holdfast: start page">
					<Wordmark />
				</a>
				<Button
					kind="quiet"
					icon={isMenuOpen ? X : Menu}
					label={isMenuOpen ? "Close the menu" : "Open the menu"}
					onClick={() => setMenuOpen(!isMenuOpen)}
				/>
			</header>
			<aside class={`side${isMenuOpen ? " open" : ""}`} aria-label="Pages and settings">
				<Sections places={shown} path={path} />
				<Switches onSheet={() => setSheet(true)} />
			</aside>
			<main id="main" tabIndex={-1}>
				<Wait />
				{children}
			</main>
			{hasSheet ? <ShortcutSheet onClose={() => setSheet(false)} /> : null}
		</div>
	);
}

function Sections({ places, path }: { places: ShownPlace[]; path: string }) {
	// The longest address that leads here: `/dashboard` leads everywhere.
	const fits = places.filter((place) => path === place.path || path.startsWith(`${place.path}/`));
	const current = fits.toSorted((a, b) => b.path.length - a.path.length)[0];
	return (
		<nav aria-label="Pages" class="pages">
			{places.map((place) => (
				<a key={place.path} href={place.path} aria-current={place === current ? "page" : undefined}>
					<Icon of={place.nav.icon} />
					{place.nav.label}
				</a>
			))}
		</nav>
	);
}

function switchUpdates(): void {
	isPaused.value = !isPaused.peek();
	say(isPaused.peek() ? "Updates are paused." : "Updates go on.");
}

const THEMES = { system: [Monitor, "System theme"], light: [Sun, "Light theme"], dark: [Moon, "Dark theme"] } as const;

function Switches({ onSheet }: { onSheet: () => void }) {
	const state = sessionState.value;
	const [icon, themeName] = THEMES[theme.value];
	const times = !isAbsolute.value ? "Relative times" : zone.value === "utc" ? "Times in UTC" : "Local times";
	return (
		<section class="switches" aria-label="Settings and session">
			<button type="button" onClick={switchUpdates} aria-pressed={isPaused.value}>
				<Icon of={isPaused.value ? Play : Pause} />
				{isPaused.value ? "Updates paused" : "Pause updates"}
			</button>
			<button type="button" onClick={switchTimes}>
				<Icon of={Clock} />
				{times}
			</button>
			<button type="button" onClick={nextTheme}>
				<Icon of={icon} />
				{themeName}
			</button>
			<button type="button" onClick={onSheet}>
				<Icon of={Keyboard} />
				Shortcuts
			</button>
			{state.is === "signed in" ? <Who session={state.session} /> : null}
		</section>
	);
}

function Who({ session: { tenant, key } }: { session: Session }) {
	const { isBusy, error, run } = useAction(signOut);
	return (
		<>
			<div class="who">
				<p>
					<strong>{visible(tenant.name)}</strong>
					<span>
						{visible(key.name)}
						{isReadOnly() ? " · read-only" : ""}
					</span>
				</p>
				<Button kind="quiet" icon={LogOut} label="Sign out" isBusy={isBusy} onClick={() => void run()} />
			</div>
			<ErrorBox error={error} />
		</>
	);
}

/** Says why nothing changes, where the service asked to read less. */
function Wait() {
	const until = askedToWaitUntil.value;
	if (until === null) return null;
	const time = absoluteTime(until, zone.value).slice("YYYY-MM-DD ".length);
	return (
		<p class="wait" role="status">
			<Icon of={Hourglass} /> Updates are paused until {time}: the service asked to wait.
		</p>
	);
}
