/** A job's waits, model calls and webhooks on one time axis. Each row says in words what its bars show. */
import type { Job } from "../../../client/index.ts";
import { zone } from "../../data/settings.ts";
import { absoluteTime, duration } from "../../format/times.ts";
import { visible } from "../../format/visible.ts";
import { Badge } from "../../parts/badge.tsx";
import { Time } from "../../parts/time.tsx";
import { busySpans, type Row, timelineOf } from "../../timeline/rows.ts";
import { LAST_PART, type Scale, scaleOf } from "../../timeline/scale.ts";
import type { Segment } from "../../timeline/segment.ts";
import { saidWaits } from "../../timeline/waits.ts";
import "./timeline.css";

/** Of more attempts, those in the middle are left out until they are asked for. */
const ROWS_SHOWN = 16;
/** A wait that takes less of the axis has its length in the row's words alone. */
const NAMED_PART = 0.16;
/** What ends behind this part of the axis has its duration before it. */
const RIGHT_PART = 0.82;

interface TimelineProps {
	job: Job;
	now: number;
	isWhole: boolean;
	onWhole: () => void;
}

export function Timeline({ job, now, isWhole, onWhole }: TimelineProps) {
	const timeline = timelineOf(job, now);
	const scale = scaleOf(timeline.range, busySpans(timeline));
	const { rows } = timeline;
	const hidden = isWhole ? 0 : Math.max(0, rows.length - ROWS_SHOWN);
	const half = ROWS_SHOWN / 2;
	return (
		<section class="timeline" aria-label="Timeline">
			<Axis scale={scale} origin={timeline.range.from} />
			<ol>
				{rows.map((row, index) => {
					if (hidden === 0 || index < half || index >= half + hidden)
						return <TimelineRow key={row.key} row={row} scale={scale} />;
					if (index > half) return null;
					return (
						<li key="hidden" class="hidden-rows">
							<button type="button" class="button quiet" onClick={onWhole}>
								Show {hidden} more rows
							</button>
						</li>
					);
				})}
			</ol>
			<details class="folded">
				<summary>As a table</summary>
				<StepTable rows={rows} />
			</details>
		</section>
	);
}

const percent = (part: number) => `${(100 * part).toFixed(3)}%`;

function Axis({ scale, origin }: { scale: Scale; origin: number }) {
	return (
		<div class="axis" aria-hidden="true">
			{scale.breaks.map(({ start, end }) => (
				<span
					key={start}
					class="break"
					style={{ left: percent(start), width: percent(end - start) }}
					title="The axis is cut here"
				/>
			))}
			{scale.ticks.map(({ at, x }) => (
				<span key={at} class={`tick${x > LAST_PART ? " last" : ""}`} style={{ left: percent(x) }}>
					{at === origin ? "0" : duration(at - origin).replace(/\.0 s$/, " s")}
				</span>
			))}
		</div>
	);
}

function TimelineRow({ row, scale }: { row: Row; scale: Scale }) {
	const { title, outcome, tone, facts, message, segments } = row;
	const all = [...facts, ...saidWaits(title, segments, clockTime)];
	return (
		<li class="row">
			<div class="row-head">
				<p class="row-title">
					<strong>{title}</strong>
					{outcome === "" ? null : <Badge tone={tone}>{outcome}</Badge>}
				</p>
				<p class="facts">
					{all.map((fact) => (
						<span key={fact}>{fact}</span>
					))}
				</p>
				{message === null ? null : <p class="said">{visible(message)}</p>}
			</div>
			<div class="track" aria-hidden="true">
				{segments.map((segment) => (
					<Bar key={`${segment.kind} ${segment.from}`} segment={segment} scale={scale} />
				))}
				<Length segments={segments} scale={scale} />
			</div>
		</li>
	);
}

export const clockTime = (at: string) => absoluteTime(Date.parse(at), zone.value).slice(11);

function Bar({ segment, scale }: { segment: Segment; scale: Scale }) {
	const { kind, tone, from, to, what, detail, isOpen } = segment;
	const start = scale.x(from);
	const width = scale.x(to) - start;
	const style = kind === "point" ? { left: percent(start) } : { left: percent(start), width: percent(width) };
	return (
		<span
			class={`segment ${kind} ${tone}${isOpen ? " open" : ""}`}
			style={style}
			title={`${what} ${duration(to - from)}${detail}`}
		>
			{kind === "wait" && width > NAMED_PART ? <span class="name">{duration(to - from)}</span> : null}
		</span>
	);
}

/** How long the calls and webhooks of a row took, beside the last of them. */
function Length({ segments, scale }: { segments: Segment[]; scale: Scale }) {
	const last = segments.findLast(({ kind }) => kind === "call" || kind === "send");
	if (last === undefined) return null;
	const end = scale.x(last.to);
	const text = duration(last.to - last.from);
	if (end < RIGHT_PART)
		return (
			<span class="length" style={{ left: percent(end) }}>
				{text}
			</span>
		);
	const first = segments.find(({ kind }) => kind === "call" || kind === "send") ?? last;
	return (
		<span class="length before" style={{ right: percent(1 - scale.x(first.from)) }}>
			{text}
		</span>
	);
}

function StepTable({ rows }: { rows: Row[] }) {
	return (
		<div class="table">
			<table>
				<caption>Each step of the job</caption>
				<thead>
					<tr>
						<th scope="col">Step</th>
						<th scope="col">What</th>
						<th scope="col">Start</th>
						<th scope="col" class="number">
							Duration
						</th>
					</tr>
				</thead>
				<tbody>
					{rows.flatMap(({ key, title, segments }) =>
						segments.map(({ kind, from, to, what, detail, isOpen }) => (
							<tr key={`${key} ${kind} ${from}`}>
								<td class="title">{title}</td>
								<td data-label="What">{what + detail}</td>
								<td data-label="Start">
									<Time at={new Date(from).toISOString()} />
								</td>
								<td data-label="Duration" class="number">
									{kind === "point" ? "–" : `${duration(to - from)}${isOpen ? " so far" : ""}`}
								</td>
							</tr>
						)),
					)}
				</tbody>
			</table>
		</div>
	);
}
