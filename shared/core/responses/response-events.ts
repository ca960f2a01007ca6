/**
 * The numbered events of a Response. They are stored nowhere: they are a function of the job and its answer, so that every
 * reader gets the same event under the same number, at any time.
 */
import { type JsonObject, listOf, objectOf } from "../json/json.ts";
import type { ResponseFacts } from "./facts.ts";
import { itemEvents, type UnnumberedEvent } from "./item-events.ts";
import { responseObject } from "./response-object.ts";
import { isEnd, responseStatus } from "./response-status.ts";

export type ResponseEvent = UnnumberedEvent & { sequence_number: number };

/**
 * What has happened so far. The last event is the terminal one if the job is final.
 * @param answer null unless the job succeeded
 */
export function* responseEvents(
	facts: ResponseFacts,
	request: JsonObject,
	answer: JsonObject | null,
): Generator<ResponseEvent, void> {
	let number = 0;
	for (const event of unnumbered(facts, request, answer)) yield { ...event, sequence_number: number++ };
}

/**
 * The events beyond a number. A reader that has seen the end, or more of an abandoned attempt than there is, gets the terminal
 * event again, under the next number.
 */
export function* eventsAfter(events: Iterable<ResponseEvent>, number: number): Generator<ResponseEvent, void> {
	for (const event of events)
		if (event.sequence_number > number) yield event;
		else if (isTerminal(event)) yield { ...event, sequence_number: number + 1 };
}

export function isTerminal({ type }: ResponseEvent): boolean {
	return TERMINAL.has(type);
}

const TERMINAL: ReadonlySet<string> = new Set(["response.completed", "response.incomplete", "response.failed"]);

/** A frame of a server-sent event stream. */
export function eventFrame(event: ResponseEvent): string {
	return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

function* unnumbered(
	facts: ResponseFacts,
	request: JsonObject,
	answer: JsonObject | null,
): Generator<UnnumberedEvent, void> {
	const first = responseObject(atCreation(facts), request, null);
	yield { type: "response.created", response: first };
	yield { type: "response.queued", response: first };
	if (facts.startedAt !== null) yield { type: "response.in_progress", response: { ...first, status: "in_progress" } };
	const status = responseStatus(facts, answer);
	if (!isEnd(status)) return;
	const last = responseObject(facts, request, answer);
	for (const [index, item] of (listOf(last.output) ?? []).entries()) yield* itemEvents(objectOf(item) ?? {}, index);
	// Clients know no event of a cancellation, and fail at types that they do not know.
	yield { type: `response.${status === "cancelled" ? "incomplete" : status}`, response: last };
}

/** As the caller was answered: later readers must get the same. */
function atCreation(facts: ResponseFacts): ResponseFacts {
	const model = facts.models[0] ?? facts.model;
	return { ...facts, status: "queued", model, attempt: 0, startedAt: null, finishedAt: null, error: null };
}
