/** The fields of a submission, as a form or as JSON: both show the same draft. */
import { Braces, Pencil, Plus, TextCursorInput, X } from "lucide";
import type { ComponentChildren } from "preact";
import { useId, useRef, useState } from "preact/hooks";
import { ApiError } from "../../client/index.ts";
import type { Model } from "../../client/schemas.ts";
import { holdfast } from "../app/client.ts";
import { useResource } from "../data/resource.ts";
import { Badge } from "../parts/badge.tsx";
import { Button } from "../parts/button.tsx";
import { Field } from "../parts/field.tsx";
import { JsonEditor } from "./json-editor.tsx";
import { MessagesEditor } from "./messages-editor.tsx";
import type { Draft } from "./submission.ts";
import "./submission.css";

export interface FormProps {
	draft: Draft;
	onChange: (draft: Draft) => void;
	/** The names of fields that differ from the job that is retried. */
	changed?: string[];
	/** The prompt is too large to be edited: a sentence that says so. */
	fixedInput?: string | null;
	/** Of the field that the service refused. */
	wrong?: { field: string; message: string } | null;
	/** Shown after the messages. */
	children?: ComponentChildren;
}

/** The field that the service refused. */
export function wrongField(error: unknown): { field: string; message: string } | null {
	return error instanceof ApiError && error.param !== null ? { field: error.param, message: error.message } : null;
}

export function SubmissionForm(props: FormProps) {
	const [isJson, setJson] = useState(false);
	const editor = useRef<HTMLTextAreaElement>(null);
	// A form would not show what is not valid.
	const toForm = () => setJson(!(editor.current?.reportValidity() ?? true));
	return (
		<>
			<fieldset class="view-switch">
				<legend class="unseen">Edit as</legend>
				<Button kind="quiet" icon={TextCursorInput} pressed={!isJson} onClick={toForm}>
					Form
				</Button>
				<Button kind="quiet" icon={Braces} pressed={isJson} onClick={() => setJson(true)}>
					JSON
				</Button>
			</fieldset>
			{isJson ? <JsonEditor value={props.draft} onChange={props.onChange} area={editor} /> : <Fields {...props} />}
		</>
	);
}

function Fields(props: FormProps) {
	const { draft, onChange, changed = [], fixedInput = null, children } = props;
	const set = (fields: Draft) => onChange({ ...draft, ...fields });
	const { messages } = Object(draft.input);
	const mark = (name: string) =>
		changed.includes(name) ? (
			<Badge tone="active" icon={Pencil}>
				Changed
			</Badge>
		) : null;
	return (
		<div class="submission">
			<section>
				<h2>Messages {mark("input.messages")}</h2>
				{fixedInput === null ? (
					<MessagesEditor
						messages={Array.isArray(messages) ? messages : []}
						onChange={(next) => set({ input: { ...Object(draft.input), messages: next } })}
					/>
				) : (
					<p class="hint">{fixedInput}</p>
				)}
			</section>
			{children}
			<section>
				<h2>Models {mark("model")}</h2>
				<ModelFields
					models={modelsOf(draft)}
					onChange={(models) => set({ model: models.length > 1 ? models : models[0] })}
				/>
			</section>
			<details class="more" open={changed.some((name) => !/^(model|input\.messages)$/.test(name))}>
				<summary>Parameters, webhook, metadata</summary>
				<NumberFields {...props} mark={mark} />
				<WebhookField webhook={draft.webhook} onChange={(webhook) => set({ webhook })} mark={mark("webhook")} />
				<MetadataFields
					metadata={{ ...Object(draft.metadata) }}
					onChange={(metadata) => set({ metadata })}
					mark={mark("metadata")}
				/>
			</details>
		</div>
	);
}

const OF_INPUT = [
	{ name: "temperature", label: "Temperature", step: "0.1" },
	{ name: "max_tokens", label: "Most tokens in the answer" },
];

const OF_JOB = [
	{ name: "delay_seconds", label: "Delay in seconds" },
	{ name: "max_attempts", label: "Attempts at most", placeholder: "5" },
	{ name: "timeout_seconds", label: "Seconds for one attempt", placeholder: "600" },
	{ name: "priority", label: "Priority, 0 to 9", placeholder: "5" },
];

type Mark = (name: string) => ComponentChildren;

function NumberFields({ draft, onChange, fixedInput = null, wrong = null, mark }: FormProps & { mark: Mark }) {
	const input = { ...Object(draft.input) };
	const errorOf = (field: string) => (wrong?.field === field ? wrong.message : null);
	return (
		<div class="field-grid">
			{(fixedInput === null ? OF_INPUT : []).map((field) => (
				<NumberField
					key={field.name}
					{...field}
					value={input[field.name]}
					mark={mark(`input.${field.name}`)}
					error={errorOf(`input.${field.name}`)}
					onChange={(value) => onChange({ ...draft, input: { ...input, [field.name]: value } })}
				/>
			))}
			{OF_JOB.map((field) => (
				<NumberField
					key={field.name}
					{...field}
					value={draft[field.name]}
					mark={mark(field.name)}
					error={errorOf(field.name)}
					onChange={(value) => onChange({ ...draft, [field.name]: value })}
				/>
			))}
		</div>
	);
}

export function modelsOf({ model }: Draft): string[] {
	return (Array.isArray(model) ? model : [model ?? ""]).map(String);
}

const MODELS_MAX = 4;

export function useModels(): Model[] {
	return useResource("models", async (signal) => [...(await holdfast.models.list({ signal })).data]).value ?? [];
}

function ModelFields({ models, onChange }: { models: string[]; onChange: (models: string[]) => void }) {
	const id = useId();
	const known = useModels();
	return (
		<div class="rows">
			<datalist id={id}>
				{known.map((model) => (
					<option key={model.id} value={model.id}>
						{model.state === "healthy" ? model.owned_by : `${model.owned_by}, ${model.state}`}
					</option>
				))}
			</datalist>
			{models.map((model, index) => (
				<div key={index} class="row-fields">
					<input
						aria-label={index === 0 ? "Model" : `Model ${index + 1}, if those before fail`}
						list={id}
						placeholder={index === 0 ? "The service's default model" : "Next model"}
						spellcheck={false}
						autoComplete="off"
						value={model}
						onInput={(event) => onChange(models.with(index, event.currentTarget.value))}
					/>
					{models.length === 1 ? null : (
						<Button
							kind="quiet"
							icon={X}
							label={`Remove model ${index + 1}`}
							onClick={() => onChange(models.toSpliced(index, 1))}
						/>
					)}
				</div>
			))}
			{models.length >= MODELS_MAX || models[0] === "" ? null : (
				<Button icon={Plus} onClick={() => onChange([...models, ""])}>
					Add a model to fall back to
				</Button>
			)}
		</div>
	);
}

interface NumberFieldProps {
	label: string;
	value: unknown;
	placeholder?: string;
	step?: string;
	mark: ComponentChildren;
	error: string | null;
	onChange: (value: number | undefined) => void;
}

function NumberField({ label, value, placeholder, step = "any", mark, error, onChange }: NumberFieldProps) {
	return (
		<Field label={label} hint={mark} error={error}>
			{(control) => (
				<input
					{...control}
					type="number"
					min="0"
					step={step}
					placeholder={placeholder}
					value={typeof value === "number" ? value : ""}
					onInput={({ currentTarget }) =>
						onChange(currentTarget.value === "" ? undefined : currentTarget.valueAsNumber)
					}
				/>
			)}
		</Field>
	);
}

function WebhookField({
	webhook,
	onChange,
	mark,
}: {
	webhook: unknown;
	onChange: (webhook: unknown) => void;
	mark: ComponentChildren;
}) {
	const { url = "" } = Object(webhook);
	return (
		<Field label="Webhook URL" hint={mark ?? "Gets a signed request when the job is final."}>
			{(control) => (
				<input
					{...control}
					type="url"
					spellcheck={false}
					placeholder="https://…"
					value={String(url)}
					onInput={({ currentTarget: { value } }) =>
						onChange(value === "" ? undefined : { ...Object(webhook), url: value })
					}
				/>
			)}
		</Field>
	);
}

function MetadataFields({
	metadata,
	onChange,
	mark,
}: {
	metadata: Record<string, unknown>;
	onChange: (metadata: unknown) => void;
	mark: ComponentChildren;
}) {
	const [pairs, setPairs] = useState(Object.entries(metadata).map(([key, value]) => [key, String(value)] as const));
	const update = (next: (readonly [string, string])[]) => {
		setPairs(next);
		const filled = next.filter(([key]) => key !== "");
		onChange(filled.length === 0 ? undefined : Object.fromEntries(filled));
	};
	return (
		<div class="rows">
			<h3>Metadata {mark}</h3>
			{pairs.map(([key, value], index) => (
				<div key={index} class="row-fields">
					<input
						aria-label={`Metadata key ${index + 1}`}
						placeholder="key"
						value={key}
						onInput={(event) => update(pairs.with(index, [event.currentTarget.value, value]))}
					/>
					<input
						aria-label={`Metadata value ${index + 1}`}
						placeholder="value"
						value={value}
						onInput={(event) => update(pairs.with(index, [key, event.currentTarget.value]))}
					/>
					<Button
						kind="quiet"
						icon={X}
						label={`Remove metadata ${index + 1}`}
						onClick={() => update(pairs.toSpliced(index, 1))}
					/>
				</div>
			))}
			<Button icon={Plus} onClick={() => update([...pairs, ["", ""]])}>
				Add metadata
			</Button>
		</div>
	);
}
