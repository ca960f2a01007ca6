/** A signing secret, shown once, and how a receiver uses it. */
import { Button } from "../../parts/button.tsx";
import { Code, Copy } from "../../parts/copy.tsx";
import { useHeldDialog } from "../../parts/dialog.tsx";

const SNIPPET = `import { Holdfast } from "holdfast";

const { webhooks } = new Holdfast();
// Throws unless the signature of the raw body is valid.
const event = await webhooks.unwrap(
  rawBody,
  request.headers,
  process.env.HOLDFAST_WEBHOOK_SECRET,
);`;

/** What a dialog says of it. */
export function NewSecret({ secret, onClose }: { secret: string; onClose: () => void }) {
	useHeldDialog(true);
	return (
		<div class="dialog-body">
			<p>
				This is its signing secret. <strong>It is shown only now.</strong>
			</p>
			<Code text={secret} label="Copy signing secret" />
			<p>
				Verify each request with it. It signs as Standard Webhooks specifies, so that any library of theirs does, too:
			</p>
			<Code text={SNIPPET} label="Copy code" />
			<footer>
				<Copy text={secret} label="Copy signing secret" isNamed />
				<Button kind="primary" onClick={onClose}>
					I have kept it
				</Button>
			</footer>
		</div>
	);
}
