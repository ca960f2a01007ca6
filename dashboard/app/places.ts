/** What the shell knows of a page. */
import type { IconNode } from "lucide";
import type { AnyComponent } from "preact";

export interface Place {
	/** A pattern, such as `/dashboard/jobs/:id`. Its parameters become the page's properties. */
	path: string;
	// biome-ignore lint/suspicious/noExplicitAny: pages take the parameters of their own paths.
	page: AnyComponent<any> & { preload(): Promise<unknown> };
	/** Null: the page is reached from others. */
	nav: Navigation | null;
}

export interface Navigation {
	label: string;
	icon: IconNode;
	/** After `g`. */
	key: string;
	/** Without it, the page is not shown. Null: any key may open it. */
	scope: string | null;
}
