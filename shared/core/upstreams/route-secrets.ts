/** The secrets that a route sends as headers, by name: their values are never in the configuration, nor in a message about it. */
import { z } from "zod";

/** A route that named one would send it to a provider. */
const OWN_SECRETS: readonly string[] = ["ADMIN_TOKEN", "ADMIN_TOKEN_PREVIOUS", "SIGNING_KEY", "SIGNING_KEY_PREVIOUS"];
const IS_OWN = "must not be a secret of this service itself";

export const SecretName = z
	.string()
	.min(1)
	.refine((name) => !OWN_SECRETS.includes(name), { error: IS_OWN });

/** Set by us, or by the connection. */
const SET_BY_US =
	/^(accept|accept-encoding|connection|content-(encoding|length|type)|expect|host|keep-alive|te|trailer|transfer-encoding|upgrade|user-agent)$/;
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

/** Which secret each header has. Problems number the headers, since a name that was mixed up with a value may be a secret. */
export const RouteHeaders = z.record(z.string(), z.unknown()).transform((given, context) => {
	const headers: Record<string, string> = {};
	for (const [at, [name, secret]] of Object.entries(given).entries()) {
		const header = name.toLowerCase();
		const parsed = SecretName.safeParse(secret);
		const problem = problemOfName(header, headers) ?? (parsed.success ? null : problemOfSecret(secret));
		if (problem !== null) context.addIssue({ code: "custom", message: `header ${at + 1} ${problem}` });
		else if (parsed.success) headers[header] = parsed.data;
	}
	return headers;
});

function problemOfName(header: string, others: Readonly<Record<string, string>>): string | null {
	if (!TOKEN.test(header)) return "has a name that is not an HTTP header's";
	if (SET_BY_US.test(header)) return "is one that the service sets itself";
	return Object.hasOwn(others, header) ? "is there twice" : null;
}

function problemOfSecret(secret: unknown): string {
	return typeof secret === "string" && secret !== "" ? IS_OWN : "must be the name of a secret";
}

/** What a header may hold. */
const HEADER_VALUE = /^[\t\x20-\x7e]+$/;

type ReadSecret = (name: string) => unknown;

/** The value to send; null: the secret is not set, or no header may hold it. */
export function headerValue(read: ReadSecret, name: string): string | null {
	const value = read(name);
	const trimmed = typeof value === "string" ? value.trim() : "";
	return HEADER_VALUE.test(trimmed) ? trimmed : null;
}

interface NamesSecrets {
	api_key_secret?: string | undefined;
	headers?: Readonly<Record<string, string>> | undefined;
}

/** What is wrong with the secrets that routes name. */
export function problemsOfSecrets(routes: readonly NamesSecrets[], read: ReadSecret): string[] {
	return routes.flatMap(({ api_key_secret, headers = {} }, at) => {
		const named: [string, string][] = Object.values(headers).map((name, nth) => [`headers header ${nth + 1}`, name]);
		if (api_key_secret !== undefined) named.unshift(["api_key_secret", api_key_secret]);
		return named
			.filter(([, name]) => headerValue(read, name) === null)
			.map(([where, name]) => `MODEL_ROUTES.${at}.${where} names a secret that ${whatIsWrong(read(name))}`);
	});
}

function whatIsWrong(value: unknown): string {
	const isSet = typeof value === "string" && value.trim() !== "";
	return isSet ? "holds what no header may have, such as a line break" : "is not set";
}
