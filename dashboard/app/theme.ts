/** Light, dark, or what the system says. */
import { theme } from "../data/settings.ts";

const NEXT = { system: "light", light: "dark", dark: "system" } as const;

/** Called once, before anything is shown. */
export function applyTheme(): void {
	theme.subscribe((value) => {
		document.documentElement.dataset.theme = value;
	});
}

export function nextTheme(): void {
	theme.value = NEXT[theme.value];
}
