/** What every answer carries besides `x-request-id`. There are no CORS headers: a key has no business in a browser. */
export const ANSWER_HEADERS = {
	"cache-control": "no-store",
	"content-security-policy": "default-src 'none'; frame-ancestors 'none'",
	"referrer-policy": "no-referrer",
	"x-content-type-options": "nosniff",
};
