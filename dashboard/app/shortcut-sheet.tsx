/** What the `?` key shows. */
import { Dialog } from "../parts/dialog.tsx";
import { shortcuts } from "./shortcuts.ts";

export function ShortcutSheet({ onClose }: { onClose: () => void }) {
	return (
		<Dialog title="Keyboard shortcuts" onClose={onClose}>
			<div class="shortcuts">
				{shortcuts.value.map(({ group, list }) => (
					<section key={group}>
						<h3>{group}</h3>
						<dl>
							{list.map(({ keys, label }) => (
								<div key={keys}>
									<dt>{label}</dt>
									<dd>
										{keys.split(" ").map((key) => (
											<kbd key={key}>{key}</kbd>
										))}
									</dd>
								</div>
							))}
						</dl>
					</section>
				))}
			</div>
		</Dialog>
	);
}
