import { Webhook } from "standardwebhooks";

/** By which of `secrets` a webhook is signed, one index a signature. -1: by none of them. */
export function signersOf(
	{ headers, body }: { headers: Record<string, string>; body: string },
	secrets: readonly string[],
): number[] {
	const at = new Date(Number(headers["webhook-timestamp"]) * 1000);
	const own = secrets.map((secret) => new Webhook(secret).sign(headers["webhook-id"] ?? "", at, body));
	return (headers["webhook-signature"] ?? "").split(" ").map((signature) => own.indexOf(signature));
}
