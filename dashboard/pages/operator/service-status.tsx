/** The backlog, the last sweep, and how far a rotation of the signing key has come. */
import type { Status } from "../../../client/schemas.ts";
import { holdfast } from "../../app/client.ts";
import { now } from "../../data/clock.ts";
import { useResource } from "../../data/resource.ts";
import { whole } from "../../format/numbers.ts";
import { words } from "../../format/states.ts";
import { Badge } from "../../parts/badge.tsx";
import { ErrorBox } from "../../parts/error-box.tsx";
import { Fact } from "../../parts/fact.tsx";
import { Time } from "../../parts/time.tsx";

/** Counting stops there. */
const COUNTED_MAX = 1_000;
/** A sweep is due once a minute. */
const SWEEP_LATE_MS = 3 * 60_000;

const upTo = (value: number) => (value >= COUNTED_MAX ? `${whole(COUNTED_MAX)} or more` : whole(value));

export function ServiceStatus() {
	const status = useResource("status", (signal) => holdfast.admin.status({ signal }), { pollMs: 5_000 });
	const { value } = status;
	if (value === undefined) return <ErrorBox error={status.error} onRetry={() => void status.refresh()} />;
	return (
		<section>
			<ErrorBox error={status.error} onRetry={() => void status.refresh()} />
			<dl class="facts-list">
				<Fact label="Open jobs">{upTo(value.open_jobs)}</Fact>
				<Fact label="Oldest open job">
					<Time at={value.oldest_open_job_at} />
				</Fact>
				<Fact label="Pending deliveries">{upTo(value.pending_deliveries)}</Fact>
				<Fact label="Last sweep">
					<LastSweep sweep={value.last_sweep} />
				</Fact>
				<Fact label="Signing key">
					<Seals secrets={value.secrets} />
				</Fact>
				<Fact label="Waiting for an upstream">
					<Parked parked={value.parked} />
				</Fact>
			</dl>
		</section>
	);
}

function LastSweep({ sweep: { at, counts } }: { sweep: Status["last_sweep"] }) {
	const isLate = at === null || now.value - Date.parse(at) > SWEEP_LATE_MS;
	const done = Object.entries(counts).filter(([, count]) => (count ?? 0) > 0);
	return (
		<>
			{isLate ? <Badge tone="bad">Late</Badge> : <Badge tone="good">On time</Badge>} <Time at={at} />
			{done.length === 0 ? null : (
				<span class="soft"> · {done.map(([name, count]) => `${words(name)} ${whole(count ?? 0)}`).join(", ")}</span>
			)}
		</>
	);
}

function Seals({ secrets: { under_previous_signing_key: left, undecryptable } }: { secrets: Status["secrets"] }) {
	if (undecryptable > 0) return <Badge tone="bad">{upTo(undecryptable)} secrets cannot be decrypted</Badge>;
	if (left > 0) return <Badge tone="active">{upTo(left)} secrets still under the previous key</Badge>;
	return <Badge tone="good">All secrets under the current key</Badge>;
}

function Parked({ parked }: { parked: Status["parked"] }) {
	if (parked.length === 0) return <>No job</>;
	return (
		<ul class="parked">
			{parked.map(({ key, jobs }) => (
				<li key={key}>
					{upTo(jobs)} for <code class="breaks">{key}</code>
				</li>
			))}
		</ul>
	);
}
