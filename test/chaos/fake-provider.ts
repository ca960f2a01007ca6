/**
 * The provider: answers after a time, log-normal, or says "later", fails, falls silent or breaks off, as the seed has it
 * for each call of each job. Every answer differs from all others: a second one shows.
 */
import type { HistoryEvent } from "../simulation/history.ts";
import type { Dice } from "../simulation/world/dice.ts";
import {
	type Answer,
	answering,
	breakingAfter,
	completion,
	refusing,
	silence,
	slowly,
	streaming,
} from "../support/answers.ts";
import { openProvider, type Provider, type SeenCall } from "../support/provider.ts";
import { diceFor } from "./dice-for.ts";
import type { Recorder } from "./recorder.ts";

const LATENCY_MS_MEDIAN = 700;
const LATENCY_SPREAD = 0.8;
const LATENCY_MS_MAX = 6_000;

/** By the first word of the model's name. */
const FATES = {
	busy: { answered: 90, throttled: 10, failing: 0, reset: 0, silent: 0 },
	shaky: { answered: 88, throttled: 0, failing: 8, reset: 2, silent: 2 },
} as const;
type Fate = keyof typeof FATES.busy;

/** `calmDown`: from here on every call is answered, so that models in trouble recover and the drain ends. */
type FakeProvider = Pick<Provider, "close"> & { calmDown(): void };

type Ask = { messages: { content: string }[]; stream?: boolean };

export async function openFakeProvider(port: number, seed: number, recorder: Recorder): Promise<FakeProvider> {
	const ends = new Map<SeenCall, (whole: boolean) => void>();
	const callsOfTag = new Map<string, number>();
	let isCalm = false;

	const choose = (call: SeenCall, { length: number }: readonly SeenCall[]): Answer => {
		const asked = JSON.parse(call.text) as Ask;
		const tag = asked.messages[0]?.content.split(" ")[0] ?? "";
		const nth = (callsOfTag.get(tag) ?? 0) + 1;
		callsOfTag.set(tag, nth);
		const dice = diceFor(seed, `call ${nth} of ${tag}`);
		const thrown = dice.weighted<Fate>(call.model.startsWith("busy/") ? FATES.busy : FATES.shaky);
		const fate = isCalm ? "answered" : thrown;
		const end = recorder.begin("provider", { op: "call", tag, isPaid: fate === "answered", kind: fate });
		ends.set(call, (whole) => end({ type: whole ? typeOf(fate) : "info" }));
		return slowly(latencyMs(dice), answerFor(fate, asked, `${tag} is answered by call ${number}`, dice));
	};
	const provider = await openProvider(port, choose, (call) => ends.get(call)?.(!call.isCut));
	return {
		close: provider.close,
		calmDown() {
			isCalm = true;
		},
	};
}

function typeOf(fate: Fate): Exclude<HistoryEvent["type"], "invoke"> {
	return fate === "answered" ? "ok" : "fail";
}

function latencyMs(dice: Dice): number {
	const normal = Math.sqrt(-2 * Math.log(1 - dice.next())) * Math.cos(2 * Math.PI * dice.next());
	return Math.min(LATENCY_MS_MAX, LATENCY_MS_MEDIAN * Math.exp(LATENCY_SPREAD * normal));
}

function answerFor(fate: Fate, { stream = false }: Ask, content: string, dice: Dice): Answer {
	switch (fate) {
		case "answered":
			return stream ? streaming(...content.split(/(?<= )/)) : answering(completion(content));
		case "throttled":
			return refusing(429, { message: "Slow down.", type: "rate_limit_error" }, { "retry-after": "1" });
		case "failing":
			return refusing(dice.pick([500, 502, 503, 529]), { message: "A bad moment.", type: "server_error" });
		case "reset":
			return stream ? breakingAfter(content.slice(0, 5)) : (response) => void response.destroy();
		case "silent":
			return silence;
	}
}
