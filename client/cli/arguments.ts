/** Reads what the user wrote as the value of an argument or a flag. */
import { InvalidArgumentError } from "commander";
import { Webhook } from "standardwebhooks";
import type { SubmitJob } from "../schemas.ts";
import { UsageError } from "./exit-codes.ts";

export function count(text: string): number {
	if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError("Write a whole number from 1.");
	return Number(text);
}

const UNITS_MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION_DAYS_MAX = 3_650;

/** `30s`, `5m`, `24h` or `7d`, in milliseconds. */
export function duration(text: string): number {
	const [, count = "", unit = ""] = /^(\d+)([smhd])$/.exec(text) ?? [];
	const unitMs = UNITS_MS[unit];
	if (unitMs === undefined) throw new InvalidArgumentError("Write it as 30s, 5m, 24h or 7d.");
	const ms = Number(count) * unitMs;
	if (ms > DURATION_DAYS_MAX * 86_400_000) throw new InvalidArgumentError(`Write at most ${DURATION_DAYS_MAX}d.`);
	return ms;
}

/** Of a flag that may be repeated. */
export function pair(text: string, soFar: Record<string, string> = {}): Record<string, string> {
	const at = text.indexOf("=");
	if (at < 1) throw new InvalidArgumentError("Write it as key=value.");
	return { ...soFar, [text.slice(0, at)]: text.slice(at + 1) };
}

export const list = (text: string) => text.split(",");

/** Of webhooks, between commas. No message quotes a secret. */
export function signingSecrets(text: string): string[] {
	const secrets = list(text).flatMap((one) => one.trim() || []);
	if (secrets.length > 0 && secrets.every(isSigningSecret)) return secrets;
	throw new UsageError(
		"A signing secret is whsec_ and base64, as `holdfast webhooks secret show` prints it. Correct --secret or HOLDFAST_WEBHOOK_SECRET.",
	);
}

function isSigningSecret(text: string): boolean {
	try {
		new Webhook(text);
		return true;
	} catch {
		return false;
	}
}

export function modelsOf(names: string[]): NonNullable<SubmitJob["model"]> {
	const [first = "", second, third, fourth, ...more] = names;
	if (more.length > 0) throw new UsageError("Name four models at most.");
	if (second === undefined) return first;
	if (third === undefined) return [first, second];
	return fourth === undefined ? [first, second, third] : [first, second, third, fourth];
}

export function jsonOrText(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}
