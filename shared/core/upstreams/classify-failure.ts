/** Turns a provider's refusal into a `ModelFailure`. */

import type { Json } from "../json/json.ts";
import {
	type Classification,
	classificationOfRequest,
	classificationOfSentence,
	classificationOfStatus,
	ERROR_AFTER_SUCCESS,
	GATEWAY_SENTENCES,
	GATEWAY_STATUSES,
	GATEWAY_WORDS,
	GENERAL_WORDS,
	SPECIFIC_WORDS,
} from "./failure-table.ts";
import { type ModelFailure, newFailure } from "./failures.ts";
import type { ProviderName } from "./model-routes.ts";
import { type ProviderError, readProviderError } from "./provider-error.ts";
import { acceptedMs, type ReadHeader, readRetryAfterMs } from "./retry-after.ts";
import { cleanMessage, shownMessage } from "./shown-message.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

export interface Refusal {
	provider: ProviderName;
	/** HTTP status as received, 2xx too: the body of a success may hold an error. Null: there was no HTTP response. */
	status: number | null;
	header: ReadHeader;
	/** The parsed body; undefined where it is not JSON. */
	body: Json | undefined;
	nowMs: number;
	/** Leaves out of a sentence what it quotes of the call's input. */
	withoutInput: (text: string) => string;
}

export function classifyFailure({ provider, status, header, body, nowMs, withoutInput }: Refusal): ModelFailure {
	const error = readProviderError(body);
	const ofGateway = provider === "workers-ai" ? gatewayClassificationOf(status, error) : null;
	const general = ofGateway ?? classificationOf(status, error);
	const isAboutAll = general.class === "throttled" || (general.class === "blocked" && ofGateway === null);
	const aboutRequest = classificationOfRequest(withoutQuotes(error.message));
	const ofRequest = isAboutAll || general === aboutRequest ? aboutRequest : null;
	const classification = ofRequest ?? obeyShouldRetry(general, header("x-should-retry"));
	return newFailure({
		...classification,
		providerCode: shownCode(error.words[0], withoutInput),
		message: shownMessage(error.message, status, classification, withoutInput),
		status,
		retryAfterMs:
			readRetryAfterMs(header, nowMs) ?? acceptedMs(error.retryAfterMs ?? Number.NaN) ?? knownWaitMs(error, nowMs),
	});
}

/** A Cloudflare error that was thrown, not sent as a response: "3040: Capacity temporarily exceeded". Null: not one. */
export function classifyThrown(
	message: string,
	{ nowMs, withoutInput }: Pick<Refusal, "nowMs" | "withoutInput">,
): ModelFailure | null {
	const parts = /^(\d{4}): (.*)/s.exec(message);
	if (parts?.[1] === undefined || parts[2] === undefined) return null;
	const body = { name: "AiGatewayError", error: { code: parts[1], message: parts[2] } };
	return classifyFailure({ provider: "workers-ai", status: null, header: () => null, body, nowMs, withoutInput });
}

/** Null: there is none, or it is an id, a key, or something of the input. */
function shownCode(word: string | undefined, withoutInput: (text: string) => string): string | null {
	if (word === undefined) return null;
	return inTable({ ...SPECIFIC_WORDS, ...GENERAL_WORDS }, [word]) !== null || cleanMessage(word, withoutInput) === word
		? word
		: null;
}

/** Words in quotes; an apostrophe is none. */
const QUOTED = /(?<!\w)(['"`])[^'"`]*\1(?!\w)/g;

/** What a provider quotes may be the prompt, and says nothing about the failure. */
function withoutQuotes(message: string | null): string {
	return (message ?? "").replace(QUOTED, "''");
}

/** Null: it means the same as from any other provider. */
function gatewayClassificationOf(status: number | null, error: ProviderError): Classification | null {
	const { isFromGateway } = error;
	const message = withoutQuotes(error.message);
	const sentence = GATEWAY_SENTENCES.find(({ pattern, statuses }) => {
		const isOfStatus = statuses === undefined || (status !== null && statuses.includes(status));
		return isFromGateway && isOfStatus && pattern.test(message);
	});
	if (sentence !== undefined) return sentence.classification;
	return inTable(GATEWAY_WORDS, error.words) ?? (status === null ? null : (GATEWAY_STATUSES[status] ?? null));
}

function classificationOf(httpStatus: number | null, error: ProviderError): Classification {
	const isError = httpStatus !== null && (httpStatus < 200 || httpStatus > 299);
	const status = isError ? httpStatus : error.status;
	const specific = inTable(SPECIFIC_WORDS, error.words);
	if (specific !== null) return specific;
	const sentence = classificationOfSentence(withoutQuotes(error.message), status);
	if (sentence !== null) return sentence;
	if (status !== null) return classificationOfStatus(status);
	return inTable(GENERAL_WORDS, error.words) ?? ERROR_AFTER_SUCCESS;
}

/** The row of the first word that has one. */
function inTable(table: Readonly<Record<string, Classification>>, words: readonly string[]): Classification | null {
	const word = words.map((each) => each.toLowerCase()).find((each) => Object.hasOwn(table, each));
	return word === undefined ? null : (table[word] ?? null);
}

/**
 * The provider's `x-should-retry` overrides the table. "true" makes a permanent failure transient; throttled and blocked
 * calls are retried anyway, at no cost. "false" makes a transient or throttled failure permanent. A blocked failure stays blocked, since it waits for a payment.
 */
function obeyShouldRetry(classification: Classification, header: string | null): Classification {
	const word = header?.trim().toLowerCase();
	if (word === "true" && classification.class === "permanent") return { ...classification, class: "transient" };
	const comesBack = classification.class === "transient" || classification.class === "throttled";
	return word === "false" && comesBack ? { ...classification, class: "permanent" } : classification;
}

/** Workers AI's free daily allocation resets at 00:00 UTC. */
function knownWaitMs(error: ProviderError, nowMs: number): number | null {
	return error.words.includes("3036") ? DAY_MS - (nowMs % DAY_MS) : null;
}
