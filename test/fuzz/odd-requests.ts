/** What a request is made of besides its body, in forms that no caller should send. */

export const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "QUERY", "get"];

export const MEDIA_TYPES = [
	"text/plain",
	"application/json; charset=utf-16",
	"application/json;charset=UTF-8",
	"application/x-www-form-urlencoded",
	"multipart/form-data; boundary=x",
	"application/json, application/json",
	"",
	"*/json;;=",
];

export const ODD_HEADERS: Record<string, string>[] = [
	{ "content-encoding": "gzip" },
	{ prefer: "wait" },
	{ prefer: "wait=1" },
	{ prefer: "wait=61" },
	{ prefer: 'wait="1", respond-async; x=y' },
	{ "if-none-match": "*" },
	{ "if-none-match": '"1", W/"2"' },
	{ range: "bytes=0-0" },
	{ range: "bytes=-0" },
	{ range: "bytes=99999999999999999999-" },
	{ "if-range": '"x"', range: "bytes=1-" },
	{ origin: "https://evil.test" },
	{ "cf-connecting-ip": "127.0.0.1", "x-forwarded-for": "127.0.0.1", "x-forwarded-host": "evil.test" },
	{ accept: "text/html;q=0", "accept-encoding": "br" },
	{ expect: "100-continue", connection: "upgrade", upgrade: "websocket" },
	{ "x-http-method-override": "DELETE" },
	{ cookie: "a=b", te: "trailers" },
	{ "idempotency-key": "a b" },
	{ "idempotency-key": "x".repeat(256) },
];

/** Of nothing, or nearly something. */
export const ODD_PATHS = [
	"/",
	"/v1",
	"/v1/jobs/",
	"/v1//jobs",
	"/V1/jobs",
	"/v1/jobs/$own:0/",
	"/v1/jobs/$own:0/result/x",
	"/v1/jobs/..%2f..%2fadmin",
	"/v1/jobs/%2e%2e/admin/status",
	"/v1/jobs/%ff",
	"/v1/jobs/%",
	"/%2Fv1/jobs",
	"/v1/admin",
	"/.env",
	"/healthz%00",
	"/docs;x",
	"/openapi.json/",
];
