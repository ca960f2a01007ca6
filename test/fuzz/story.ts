/**
 * A story: the same two tenants with a little of everything, then one planned request after the other, each of whose
 * answers is checked. No story knows of another, so that one that fails can be shrunk and replayed.
 */
import { type ApiDescription, kindNamedIn, operationAt } from "../support/api-description.ts";
import { complaintsAbout, type SchemaCheck } from "./check-answer.ts";
import type { Account, Answer, FuzzedService } from "./fuzzed-service.ts";
import { KnownIds, type Party } from "./known-ids.ts";
import type { PlannedRequest, Step, Who } from "./plan-requests.ts";

/** How many answers there were of each status, and how many requests no HTTP client would send. */
export type Histogram = Map<string, number>;

interface Means {
	api: ApiDescription;
	checkSchema: SchemaCheck;
	histogram: Histogram;
}

export class Story {
	readonly #service: FuzzedService;
	readonly #means: Means;
	readonly #accounts: Record<"a" | "b", Account>;
	readonly #ids: KnownIds;

	private constructor(service: FuzzedService, means: Means, accounts: Record<"a" | "b", Account>) {
		this.#service = service;
		this.#means = means;
		this.#accounts = accounts;
		this.#ids = new KnownIds(Object.values(accounts));
	}

	static async begin(service: FuzzedService, means: Means): Promise<Story> {
		const accounts = { a: await service.open("canary-a"), b: await service.open("canary-b") };
		const story = new Story(service, means, accounts);
		for (const step of OPENING) await story.play(step);
		return story;
	}

	/** Does what is planned. An answer that breaks a rule is an error. */
	async play(step: Step): Promise<void> {
		if ("waitMs" in step) await this.#service.wait(step.waitMs);
		else await this.#request(step);
		const [trouble] = this.#service.troubles;
		if (trouble !== undefined) throw new Error(trouble);
	}

	async #request(planned: PlannedRequest): Promise<void> {
		const request = this.#toRequest(planned);
		if (request === null) return this.#count("not sent");
		const answer = await this.#service.ask(request);
		this.#count(String(answer.status));
		const complaints = [
			...complaintsAbout(this.#means.api, this.#means.checkSchema, { who: planned.who, request }, answer),
			...this.#leaks(planned.who, answer),
			...(await this.#distinguishesForeign(planned, request, answer)),
		];
		if (complaints.length > 0) throw new Error(complaints.join("; "));
		this.#ids.hear(partyOf(planned.who), answer.text);
	}

	/** Null: no HTTP client sends this. */
	#toRequest({ who, method, path, query, headers, body }: PlannedRequest): Request | null {
		const party = partyOf(who);
		const url = this.#ids.fillIn(party, path, kindNamedIn(path.replace(/\$\w+(:\d+)?/, "{id}")));
		const search = this.#ids.fillIn(party, query, path.split("/").at(-1) ?? null);
		const content = typeof body === "string" ? body.replaceAll("$canary", `canary-${party}`) : body;
		const token = this.#tokenOf(who);
		try {
			return new Request(
				`https://jobs.sim${url}${search === "" ? "" : `?${search.replaceAll("$canary", `canary-${party}`)}`}`,
				{
					method,
					headers: { ...headers, ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
					body: method === "GET" || method === "HEAD" ? null : content,
				},
			);
		} catch {
			return null;
		}
	}

	#tokenOf(who: Who): string | null {
		const { a, b } = this.#accounts;
		if (who === "keyless") return null;
		if (who === "a") return a.key;
		if (who === "b") return b.key;
		if (who === "admin") return this.#service.adminToken;
		if (who === "garbage") return `${a.key.slice(0, -1)}~`;
		return Object.entries(a.keyWith).find(([scope]) => who === `a:${scope}`)?.[1] ?? null;
	}

	#leaks(who: Who, { text, headers }: Answer): string[] {
		const party = partyOf(who);
		if (party === "admin" || party === null)
			return text.includes("canary-") && party === null ? ["shown without a key"] : [];
		const other = party === "a" ? "b" : "a";
		const all = `${text}\n${[...headers].join("\n")}`;
		const foreign = all.includes(`canary-${other}`) || all.includes(this.#accounts[other].tenantId);
		return foreign || this.#ids.namesOneOf(other, all) ? [`shows ${party} data of ${other}: ${text}`] : [];
	}

	/** A request for another tenant's id must reveal nothing: neither in the body, nor in a header. */
	async #distinguishesForeign(planned: PlannedRequest, request: Request, answer: Answer): Promise<string[]> {
		const { path, who } = planned;
		if (!path.includes("$foreign") || (who !== "a" && who !== "b")) return [];
		if (operationAt(this.#means.api, request.method, new URL(request.url).pathname) === null) return [];
		const unknown = this.#toRequest({ ...planned, path: path.replace(/\$foreign:\d+/, "$unknown") });
		// The other tenant has no such thing.
		if (unknown === null || unknown.url === request.url) return [];
		const other = await this.#service.ask(unknown);
		this.#count(String(other.status));
		const complaints = answer.status < 300 ? ["another tenant's id was taken"] : [];
		return asSeen(answer) === asSeen(other) ? complaints : [...complaints, `${asSeen(answer)} is not ${asSeen(other)}`];
	}

	#count(what: string): void {
		const { histogram } = this.#means;
		histogram.set(what, (histogram.get(what) ?? 0) + 1);
	}
}

function partyOf(who: Who): Party | null {
	if (who === "garbage" || who === "keyless") return null;
	return who === "admin" || who === "b" ? who : "a";
}

function asSeen({ status, headers, text }: Answer): string {
	return JSON.stringify([status, ...headers, text]).replaceAll(/req_[0-9a-z]{26}/g, "");
}

const json = { "content-type": "application/json" };
const post = (who: Who, path: string, body: object): Step => ({
	who,
	method: "POST",
	path,
	query: "",
	headers: json,
	body: JSON.stringify(body),
});
const get = (who: Who, path: string): Step => ({ who, method: "GET", path, query: "", headers: {}, body: null });
const input = { messages: [{ role: "user", content: "p1 $canary" }] };

/** Each tenant: an endpoint, a job that has succeeded and whose webhook was delivered, one that waits. The operator: a tenant and its key. */
const OPENING: Step[] = [
	...(["a", "b"] as const).flatMap((who) => [
		post(who, "/v1/webhook_endpoints", {
			name: "$canary",
			url: "https://$canary.example.com/",
			event_types: ["job.*"],
		}),
		post(who, "/v1/jobs", {
			input,
			metadata: { note: "$canary" },
			webhook: { url: "https://$canary.example.com/once" },
		}),
	]),
	{ waitMs: 90_000 },
	...(["a", "b"] as const).flatMap((who) => [
		get(who, "/v1/jobs"),
		get(who, "/v1/jobs/$own:0/deliveries"),
		post(who, "/v1/jobs", { input, delay_seconds: 7_200 }),
	]),
	post("admin", "/v1/admin/tenants", { name: "another" }),
	post("admin", "/v1/admin/tenants/$own:0/keys", {}),
];
