/** What the shell knows of a page. */
import type { IconNode } from "lucide";
import type { AnyComponent } from "preact";
import { can } from "./session.ts";

export interface Place {
	/** A pattern, such as `/dashboard/jobs/:id`. Its parameters become the page's properties. */
	path: string;
	// biome-ignore lint/suspicious/noExplicitAny: pages take the parameters of their own paths.
	page: AnyComponent<any> & { preload(): Promise<unknown> };
	/** Of the key: without one of them, the page is not shown. Empty: any key may open it. */
	scopes: string[];
	/** Null: the page is reached from others. */
	nav: Navigation | null;
}

export interface Navigation {
	label: string;
	icon: IconNode;
	/** After `g`. */
	key: string;
}

export type ShownPlace = Place & { nav: Navigation };

/** Those of the navigation that the key may open. */
export const shownPlaces = (places: Place[]): ShownPlace[] => places.filter(isShown);

const isShown = (place: Place): place is ShownPlace => place.nav !== null && place.scopes.every(can);
