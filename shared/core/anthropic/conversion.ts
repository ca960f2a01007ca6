/** One translation of a request: what it has refused, and how much more it may expand. */
import { countValues } from "../json/count-values.ts";
import { type Json, type JsonObject, nestsDeeperThan, objectOf, parseJson } from "../json/json.ts";
import { BODY_LIMITS, SHORTENED_LENGTH } from "../json/strict-json.ts";

/** Reports that the member at `param`, such as `messages.0.name`, cannot be said to Anthropic. */
export type Refuse = (param: string, problem: string) => void;

export interface Untranslatable {
	param: string;
	problem: string;
}

/** What a data URL holds. */
export interface Data {
	type: string;
	/** In lower case; null where the URL names none. */
	charset: string | null;
	/** In base64. */
	data: string;
	/** Of the whole URL. */
	length: number;
}

const UTF_8: ReadonlySet<string> = new Set(["utf-8", "utf8", "us-ascii"]);

/** Of base64, in all files of plain text: decoded and serialized, they may take 15 times as much memory. */
const TEXT_CHARS_MAX = 1024 * 1024;
/** In the arguments of all calls: a key and its value may take 120 bytes of memory. */
const ARGUMENT_VALUES_MAX = 100_000;

/** What is text in the input and becomes more in the request is counted before it is expanded: no budget of memory knows of it. */
export class Conversion {
	/** The first member that cannot be translated. */
	refused: Untranslatable | null = null;
	readonly #isShortened: boolean;
	#textChars = 0;
	#argumentValues = 0;

	/** @param isShortened long texts and data of the input lack their ends */
	constructor(isShortened: boolean) {
		this.#isShortened = isShortened;
	}

	readonly refuse: Refuse = (param, problem) => {
		this.refused ??= { param, problem };
	};

	/** The string at `param`; null where there is none. Anything else is refused. */
	stringAt(value: Json | undefined, param: string): string | null {
		if (typeof value === "string") return value;
		if (value !== undefined && value !== null) this.refuse(param, "Anthropic's models take a string.");
		return null;
	}

	/** The text of a file. Null: it is refused. */
	decode({ charset, data, length }: Data, param: string): string | null {
		if (charset !== null && !UTF_8.has(charset)) {
			this.refuse(param, "Anthropic's models take plain text in UTF-8 only.");
			return null;
		}
		if (this.#isShortened && length >= SHORTENED_LENGTH) return "";
		this.#textChars += data.length;
		if (this.#textChars > TEXT_CHARS_MAX) {
			this.refuse(param, "Files of plain text may have 768 KiB together. Send longer ones as parts of type `text`.");
			return null;
		}
		const text = utf8In(data);
		if (text === null) this.refuse(param, "Anthropic's models take plain text as UTF-8 in base64.");
		return text;
	}

	/** The arguments of a call. Null: they are refused. */
	parseArguments(text: string, param: string): JsonObject | null {
		if (text.trim() === "") return {};
		this.#argumentValues += countValues(text);
		if (this.#argumentValues > ARGUMENT_VALUES_MAX) {
			this.refuse(param, `The arguments of all calls may hold ${ARGUMENT_VALUES_MAX} values together.`);
			return null;
		}
		const parsed = objectOf(parseJson(text));
		if (parsed === null) this.refuse(param, "Anthropic's models take the JSON text of an object only.");
		if (!nestsDeeperThan(parsed ?? undefined, BODY_LIMITS.depthMax)) return parsed;
		this.refuse(param, `The arguments may be ${BODY_LIMITS.depthMax} levels deep.`);
		return null;
	}
}

/** Null: it is no base64, or no UTF-8. */
function utf8In(data: string): string | null {
	try {
		const binary = atob(data);
		const bytes = new Uint8Array(binary.length);
		for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
		return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
	} catch {
		return null;
	}
}
