/** How a simulated model is to behave: for a first look at retries and timelines, without a provider. */

export interface Simulation {
	label: string;
	simulate: object | undefined;
}

export const SIMULATIONS: Simulation[] = [
	{ label: "Answers after 2 s", simulate: { latency_ms: 2_000 } },
	{ label: "Answers at once", simulate: undefined },
	{ label: "Fails once, then answers", simulate: { latency_ms: 800, fail: [500] } },
	{ label: "Is throttled, then answers", simulate: { latency_ms: 600, fail: [429], retry_after: 3 } },
	{ label: "Refuses", simulate: { latency_ms: 600, fail: 400 } },
	{ label: "Writes a long answer", simulate: { latency_ms: 500, output_tokens: 2_000 } },
];
