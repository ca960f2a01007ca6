/** What went wrong, as the service says it, with the id under which its logs have it. */
import { TriangleAlert } from "lucide";
import { ApiError } from "../../client/errors.ts";
import { Button } from "./button.tsx";
import { Copy } from "./copy.tsx";
import { Icon } from "./icon.tsx";

export function ErrorBox({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
	if (error === undefined || error === null) return null;
	const requestId = error instanceof ApiError ? error.requestId : null;
	return (
		<div class="error-box" role="alert">
			<Icon of={TriangleAlert} />
			<div class="error-text">
				<p>{error instanceof Error ? error.message : String(error)}</p>
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
