/** What went wrong, as the service says it, with the id under which its logs have it. */
import { TriangleAlert } from "lucide";
import { ApiError, HoldfastError } from "../../client/errors.ts";
import { visible } from "../format/visible.ts";
import { Button } from "./button.tsx";
import { Copy } from "./copy.tsx";
import { Icon } from "./icon.tsx";

export function ErrorBox({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
	if (error === undefined || error === null) return null;
	const refusal = [error, error instanceof Error ? error.cause : null].find((one) => one instanceof ApiError);
	const requestId = refusal?.requestId ?? null;
	return (
		<div class="error-box" role="alert">
			<Icon of={TriangleAlert} />
			<div class="error-text">
				<p>{visible(messageOf(error))}</p>
				{requestId === null ? null : (
					<p class="request-id">
						Request <code>{requestId}</code> <Copy text={requestId} label="Copy request id" />
					</p>
				)}
			</div>
			{onRetry === undefined ? null : <Button onClick={onRetry}>Try again</Button>}
		</div>
	);
}

/** With the field that it is about, and what the error of several requests was caused by. */
function messageOf(error: unknown): string {
	if (!(error instanceof Error)) return String(error);
	const { message, cause } = error;
	if (error instanceof ApiError) return error.param === null ? message : `${error.param}: ${message}`;
	return cause instanceof HoldfastError ? `${message} ${messageOf(cause)}` : message;
}
