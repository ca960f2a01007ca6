/** A state: an icon and a word, and a colour that says the same. */
import { Ban, Check, CircleDashed, Clock, Hourglass, type IconNode, LoaderCircle, TriangleAlert, X } from "lucide";
import type { ComponentChildren } from "preact";
import { shownState, type Tone } from "../format/states.ts";
import { Icon } from "./icon.tsx";

const ICONS: Record<string, IconNode> = {
	queued: CircleDashed,
	running: LoaderCircle,
	succeeded: Check,
	failed: X,
	cancelled: Ban,
	expired: Hourglass,
	pending: Clock,
	delivered: Check,
	exhausted: X,
	skipped: Ban,
};

const OF_TONE: Record<Tone, IconNode> = {
	idle: CircleDashed,
	active: LoaderCircle,
	good: Check,
	bad: X,
	warning: TriangleAlert,
};

/** Of a job or a delivery. */
export function StateBadge({ state, reason = null }: { state: string; reason?: string | null }) {
	const { word, tone } = shownState(state);
	return (
		<Badge tone={tone} icon={ICONS[state] ?? OF_TONE[tone]}>
			{word}
			{reason === null ? null : <span class="badge-reason">{reason}</span>}
		</Badge>
	);
}

export function Badge({ tone, icon, children }: { tone: Tone; icon?: IconNode; children: ComponentChildren }) {
	return (
		<span class={`badge ${tone}`}>
			<Icon of={icon ?? OF_TONE[tone]} size={14} />
			<span>{children}</span>
		</span>
	);
}
