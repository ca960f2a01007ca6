/** The messages of a prompt. One that is not a text alone is left as it is. */
import { Plus, Trash2 } from "lucide";
import { Message } from "../content/message.tsx";
import { Button } from "../parts/button.tsx";
import { Field } from "../parts/field.tsx";

const ROLES = ["system", "user", "assistant", "developer", "tool"];

interface MessagesEditorProps {
	messages: unknown[];
	onChange: (messages: unknown[]) => void;
}

export function MessagesEditor({ messages, onChange }: MessagesEditorProps) {
	const replace = (index: number, fields: object) =>
		onChange(messages.map((message, at) => (at === index ? { ...Object(message), ...fields } : message)));
	return (
		<div class="messages-editor">
			{messages.map((message, index) => (
				<MessageFields
					key={index}
					message={message}
					number={index + 1}
					onChange={(fields) => replace(index, fields)}
					onRemove={messages.length === 1 ? null : () => onChange(messages.filter((_, at) => at !== index))}
				/>
			))}
			<Button icon={Plus} onClick={() => onChange([...messages, { role: "user", content: "" }])}>
				Add message
			</Button>
		</div>
	);
}

interface MessageFieldsProps {
	message: unknown;
	number: number;
	onChange: (fields: object) => void;
	onRemove: (() => void) | null;
}

function MessageFields({ message, number, onChange, onRemove }: MessageFieldsProps) {
	const { role, content } = Object(message);
	return (
		<div class="message-fields">
			<div class="message-head">
				<select
					aria-label={`Role of message ${number}`}
					value={String(role)}
					onChange={(event) => onChange({ role: event.currentTarget.value })}
				>
					{ROLES.map((one) => (
						<option key={one} value={one}>
							{one}
						</option>
					))}
				</select>
				{onRemove === null ? null : (
					<Button kind="quiet" icon={Trash2} label={`Remove message ${number}`} onClick={onRemove} />
				)}
			</div>
			{typeof content === "string" || content === undefined ? (
				<Field label={number === 1 ? "Message" : `Message ${number}`}>
					{(control) => (
						<textarea
							{...control}
							rows={Math.min(12, Math.max(3, String(content ?? "").split("\n", 12).length + 1))}
							value={content ?? ""}
							onInput={(event) => onChange({ content: event.currentTarget.value })}
						/>
					)}
				</Field>
			) : (
				<>
					<Message message={message} view="raw" label={`Message ${number}`} />
					<p class="hint">This message has more than text. Edit it as JSON.</p>
				</>
			)}
		</div>
	);
}
