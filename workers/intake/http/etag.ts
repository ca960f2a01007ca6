/** Whether the caller has this very version already (RFC 9110 §13.1.2, by the weak comparison). */
export function isKnownVersion(ifNoneMatch: string | undefined, etag: string): boolean {
	const tags = (ifNoneMatch ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
	return tags.includes(etag) || tags.includes("*");
}
