/** The name of the product, as the shell and the sign-in page show it. */
export function Wordmark() {
	return (
		<span class="wordmark">
			<svg width="20" height="20" viewBox="0 0 32 32" aria-hidden="true">
				<rect width="32" height="32" rx="7" />
				<path d="M10 7v18M22 7v18M10 16h12" />
			</svg>
			Holdfast
		</span>
	);
}
