/** Below a list that goes on. */
import { Button } from "./button.tsx";

interface MoreProps {
	list: { readMore: (() => Promise<void>) | null; isReadingMore: boolean };
	/** What is listed: "deliveries". */
	what: string;
}

export function More({ list: { readMore, isReadingMore }, what }: MoreProps) {
	if (readMore === null) return null;
	return (
		<p class="list-more">
			<Button isBusy={isReadingMore} onClick={() => void readMore()}>
				Show older {what}
			</Button>
		</p>
	);
}
