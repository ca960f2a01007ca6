/** What a line of the input asks for. */
import type { ChatInput, SubmitJob } from "../../schemas.ts";

export interface Rules {
	/** Instead of the models of the lines. */
	model: SubmitJob["model"];
	/** `Summarise: {text}`, filled from the fields of each line. */
	prompt: string | undefined;
	/** For lines without a system message of their own. */
	system: string | undefined;
}

export interface Submission {
	customId: string | null;
	job: SubmitJob;
}

/** Says what is wrong with a line. */
export class BadLine extends Error {}

/** The service takes 16, and a run adds two. */
const METADATA_PAIRS_MAX = 14;
export const METADATA_PREFIX = "holdfast_";
const CUSTOM_ID_MAX = 512;

type Fields = Record<string, unknown>;

export function submissionOf(bytes: Uint8Array, rules: Rules): Submission {
	const { custom_id, ...job } = jobOf(parsed(bytes), rules);
	if (custom_id !== undefined && (typeof custom_id !== "string" || custom_id.length > CUSTOM_ID_MAX))
		throw new BadLine(`\`custom_id\` must be a text of ${CUSTOM_ID_MAX} characters at most`);
	checkMetadata(job.metadata);
	return { customId: custom_id ?? null, job: ruled(job, rules) };
}

function parsed(bytes: Uint8Array): unknown {
	let text: string;
	try {
		text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
	} catch {
		throw new BadLine("it is not UTF-8");
	}
	try {
		return JSON.parse(text);
	} catch (error) {
		throw new BadLine(`it is not JSON: ${error instanceof Error ? error.message : error}`);
	}
}

/** A submission, whose fields the service validates, with what names the line. */
type Named = SubmitJob & { custom_id?: unknown };

function jobOf(value: unknown, { prompt }: Rules): Named {
	if (typeof value === "string" && prompt === undefined) return { input: promptInput(value) };
	if (!isObject(value))
		throw new BadLine(`it is ${kindOf(value)}${prompt === undefined ? "" : ", and --prompt needs an object"}`);
	const { custom_id } = value;
	if (prompt !== undefined) return { input: promptInput(filled(prompt, value)), custom_id };
	if ("input" in value) return submission(value);
	if ("body" in value) return batchLine(value);
	if ("messages" in value || "prompt" in value) return chat(value);
	throw new BadLine("it has none of `prompt`, `messages`, `input` and `body`: give a template by --prompt");
}

function submission(value: Fields): Named {
	const { input, ...rest } = value;
	return { ...rest, input: checkedInput(input, "input.") };
}

/** A line of OpenAI's batch files. */
function batchLine({ custom_id, method = "POST", url = "/v1/chat/completions", body, ...rest }: Fields): Named {
	if (method !== "POST" || url !== "/v1/chat/completions")
		throw new BadLine("`method` and `url` must be POST and /v1/chat/completions");
	const [other] = Object.keys(rest);
	if (other !== undefined)
		throw new BadLine(`\`${other}\` stands beside \`body\`, where only custom_id, method and url may`);
	if (!isObject(body)) throw new BadLine("`body` must be an object");
	return { ...chat(body), custom_id };
}

/** The body of a chat completion, with `prompt` for a single message. */
function chat({ custom_id, metadata, model, prompt, ...input }: Fields): Named {
	if (model !== undefined && typeof model !== "string") throw new BadLine("`model` must be a text");
	if (prompt !== undefined && "messages" in input) throw new BadLine("it has `prompt` and `messages`: leave one out");
	if (prompt !== undefined && typeof prompt !== "string") throw new BadLine("`prompt` must be a text");
	const messages = prompt === undefined ? {} : promptInput(prompt);
	return {
		input: checkedInput({ ...input, ...messages }, ""),
		...(model === undefined ? {} : { model }),
		...(metadata === undefined ? {} : { metadata: metadataOf(metadata) }),
		custom_id,
	};
}

function checkedInput(input: unknown, at: string): ChatInput {
	if (!isObject(input)) throw new BadLine("`input` must be an object");
	const { messages, ...rest } = input;
	if (!Array.isArray(messages) || messages.length === 0 || !messages.every((one) => isObject(one) && "role" in one))
		throw new BadLine(`\`${at}messages\` must be a list of messages with a \`role\``);
	return { ...rest, messages };
}

function checkMetadata(metadata: unknown): void {
	const pairs = Object.keys(metadata === undefined ? {} : metadataOf(metadata));
	if (pairs.length > METADATA_PAIRS_MAX)
		throw new BadLine(`\`metadata\` has ${pairs.length} pairs: ${METADATA_PAIRS_MAX} at most, because a run adds two`);
	const own = pairs.find((name) => name.startsWith(METADATA_PREFIX));
	if (own !== undefined) throw new BadLine(`\`metadata.${own}\` is a name that a run keeps for itself`);
}

function metadataOf(value: unknown): Record<string, string> {
	const pairs = isObject(value) ? Object.entries(value) : [];
	const texts = pairs.flatMap(([name, text]) => (typeof text === "string" ? [[name, text] as const] : []));
	if (!isObject(value) || texts.length < pairs.length) throw new BadLine("`metadata` must be an object of texts");
	return Object.fromEntries(texts);
}

function ruled(job: SubmitJob, { model, system }: Rules): SubmitJob {
	const { messages } = job.input;
	const hasOwn = messages.some(({ role }) => role === "system" || role === "developer");
	const added = system === undefined || hasOwn ? [] : [{ role: "system" as const, content: system }];
	return {
		...job,
		...(model === undefined ? {} : { model }),
		input: { ...job.input, messages: [...added, ...messages] },
	};
}

/** `{{` and `}}` stand for braces. */
function filled(template: string, fields: Fields): string {
	return template.replaceAll(/\{\{|\}\}|\{([^{}]*)\}/g, (found, name: string | undefined) => {
		if (name === undefined) return found.slice(1);
		if (!Object.hasOwn(fields, name)) throw new BadLine(`it has no field \`${name}\`, which --prompt names`);
		const value = fields[name];
		return typeof value === "string" ? value : JSON.stringify(value);
	});
}

function promptInput(content: string): ChatInput {
	return { messages: [{ role: "user", content }] };
}

function isObject(value: unknown): value is Fields {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
	if (value === null) return "null";
	if (Array.isArray(value)) return "a list";
	return `a ${typeof value}`;
}
