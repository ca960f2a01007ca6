/** What every answer carries besides `x-request-id`. A key has no business in a browser: no CORS headers, unless configured. */
export const RESPONSE_HEADERS = {
	"cache-control": "no-store",
	"content-security-policy": "default-src 'none'; frame-ancestors 'none'",
	"referrer-policy": "no-referrer",
	// A year, for this host alone: what else runs on its subdomains is not ours to decide. Browsers ignore it over http.
	"strict-transport-security": "max-age=31536000",
	"x-content-type-options": "nosniff",
};
