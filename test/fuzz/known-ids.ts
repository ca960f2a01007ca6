/** Ids that the service has shown its callers: what `$own:3`, `$foreign:3` and `$unknown` of a plan stand for. */
import type { Account } from "./fuzzed-service.ts";

export type Party = "a" | "b" | "admin";

const ID = /\b(?:(?:job|we|dlv|evt|key|ten)_|chatcmpl-)[0-9a-z]{26}(?:_[a-z]+_(?:webhook|we_[0-9a-z]{26}|[0-9a-z]+))?/g;
const PREFIXES: Record<string, string> = {
	jobs: "job_",
	webhook_endpoints: "we_",
	deliveries: "dlv_",
	keys: "key_",
	tenants: "ten_",
	completions: "chatcmpl-",
	// Any name is one, and belongs to no tenant.
	models: "model_",
};
const NOBODYS = "01jq0000000000000000000000";

export class KnownIds {
	readonly #shown: Record<Party, Set<string>> = { a: new Set(), b: new Set(), admin: new Set() };
	/** What the stories' own callers need, which no story may revoke or delete. */
	readonly #kept: Set<string>;

	constructor(accounts: Account[]) {
		this.#kept = new Set(
			accounts.flatMap(({ tenantId, key, keyWith }) => [
				tenantId,
				...[key, ...Object.values(keyWith)].map((one) => `key_${one.split("_")[1]}`),
			]),
		);
	}

	hear(party: Party | null, text: string): void {
		if (party === null) return;
		for (const [id] of text.matchAll(ID)) if (!this.#kept.has(id)) this.#shown[party].add(id);
	}

	namesOneOf(party: Party, text: string): boolean {
		return [...text.matchAll(ID)].some(([id]) => this.#shown[party].has(id));
	}

	/** @param kind what the ids name, such as `jobs`: a kind that is not known here stands for any id */
	fillIn(party: Party | null, text: string, kind: string | null): string {
		const prefix = PREFIXES[kind ?? ""] ?? "";
		const pick = (whose: Party | null, at: number) => {
			const ids = whose === null ? [] : [...this.#shown[whose]].filter((id) => id.startsWith(prefix));
			return ids[at % Math.max(1, ids.length)] ?? unknownId(prefix);
		};
		const other = party === "a" ? "b" : party === "b" ? "a" : null;
		return text
			.replaceAll(/\$own:(\d+)/g, (_, at: string) => pick(party, Number(at)))
			.replaceAll(/\$foreign:(\d+)/g, (_, at: string) => pick(other, Number(at)))
			.replaceAll("$unknown", unknownId(prefix));
	}
}

function unknownId(prefix: string): string {
	return prefix === "dlv_" ? `dlv_${NOBODYS}_failed_webhook` : `${prefix || "job_"}${NOBODYS}`;
}
