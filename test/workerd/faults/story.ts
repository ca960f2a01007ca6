/** What happens in a world: a tenant's program that asks and asks again, and what it may expect in the end. */
import { env } from "cloudflare:workers";
import { z } from "zod";
import { newId } from "../../../shared/core/ids.ts";
import type { JobKey } from "../../../shared/core/jobs/job.ts";
import type { FinalState } from "../../../shared/core/jobs/job-states.ts";
import { makeApiKey, SCOPES } from "../../../shared/core/tenants/api-key.ts";
import { sha256Hex } from "../../../shared/crypto/digest.ts";
import { aTenant, insertRow, SECOND } from "../support/a-job.ts";
import { type Answer, type Ask, askOnce } from "./ask.ts";
import { RECEIVER, type Step } from "./upstreams.ts";
import { ATTEMPT_SECONDS, type World } from "./world.ts";

/** A job that must have ended so. */
export interface Expected extends JobKey {
	status: FinalState | "erased";
	hasWebhook: boolean;
	prompt: string;
	/** How many answers are paid for, while nothing goes wrong between us and the model. */
	bought: number;
	/** How many endpoints get its end, how many do not, and whether its own webhook hears of its start. */
	endpoints?: number;
	missed?: number;
	isStartTold?: boolean;
	/** How often the story asks for its webhooks again. */
	toldAgain?: number;
	/** Which of the answers to its prompt is the job's: the first that was stored. Not given: whichever comes. */
	answer?: number;
}

export interface Order {
	prompt: string;
	steps?: Step[];
	hasWebhook?: boolean;
	expected?: Pick<Expected, "endpoints" | "missed" | "isStartTold">;
	isLarge?: boolean;
	/** A caller who gives none may get two jobs for two requests. */
	idempotencyKey?: string | null;
	/** Unless it counts its tries. */
	countsTries?: boolean;
	waitSeconds?: number;
	bought?: number;
	status?: Expected["status"];
	/** Further fields of the submission. */
	json?: object;
}

const TRIES = 6;
const LOOKS_MAX = 300;
const REPEAT_MS = 2 * SECOND;
/** More than fits a row. */
const LARGE = "x".repeat(40_000);

export class Story {
	readonly world: World;
	readonly tenantId: string;
	readonly key: string;
	readonly expected: Expected[] = [];
	/** What must come true in the end, besides. */
	readonly wishes: { what: string; isTrue: () => Promise<boolean> }[] = [];
	/** Jobs that may have been made by requests that got no good answer, and were repeated without a key. */
	strays = 0;

	private constructor(world: World, tenantId: string, key: string) {
		this.world = world;
		this.tenantId = tenantId;
		this.key = key;
	}

	static async begin(world: World): Promise<Story> {
		const { tenantId } = await aTenant({ createdAt: world.startedAt });
		const keyId = newId("key", world.runtime);
		const key = makeApiKey(keyId, world.runtime.randomBytes);
		await insertRow("api_keys", {
			id: keyId,
			tenant_id: tenantId,
			name: "k",
			key_hash: await sha256Hex(world.runtime, key),
			scopes: JSON.stringify(SCOPES),
			created_at: world.startedAt,
		});
		return new Story(world, tenantId, key);
	}

	/** Asks until there is a good answer, as any client does. */
	async ask(method: string, path: string, ask: Ask = {}): Promise<Answer> {
		for (let tried = 1; tried <= TRIES; tried++) {
			const counted = ask.countsTries === true ? { "x-stainless-retry-count": String(tried - 1) } : {};
			const headers = { ...ask.headers, ...counted };
			const answer = await askOnce(this.world, this.key, method, path, { ...ask, headers });
			if (answer !== null && answer.status < 500) {
				const isSaidBefore = tried > 1 && answer.status === ask.orElse;
				const isFine = answer.status < 300 || isSaidBefore || answer.status === ask.mayAnswer;
				if (!isFine) this.world.problem(`${method} ${path} → ${answer.status} ${JSON.stringify(answer.body)}`);
				return answer;
			}
			if (ask.mayDouble) this.strays += 1;
			await this.pass(REPEAT_MS);
		}
		throw new Error(`${method} ${path} gets no good answer, however often it is asked`);
	}

	wish(what: string, isTrue: () => Promise<boolean>): void {
		this.wishes.push({ what, isTrue });
	}

	/** Lets time pass until the job is over, as somebody sees who looks every second. */
	async untilOver({ jobId }: Expected): Promise<void> {
		const row = env.DB.prepare("SELECT 1 FROM jobs WHERE id = ?1 AND finished_at IS NOT NULL").bind(jobId);
		for (let seconds = 0; seconds < LOOKS_MAX && (await row.first()) === null; seconds++) await this.pass(SECOND);
	}

	/** Lets time pass. */
	async pass(ms: number): Promise<void> {
		await this.world.runtime.advance(ms);
	}

	async submit(order: Order): Promise<Expected> {
		const {
			prompt,
			steps = [{}],
			hasWebhook = false,
			isLarge = false,
			countsTries = false,
			idempotencyKey = `key-of-${prompt.replaceAll(" ", "-")}`,
		} = order;
		this.world.upstreams.script.set(prompt, steps);
		const input = { messages: [{ role: "user", content: prompt }], ...(isLarge ? { user: LARGE } : {}) };
		const webhook = hasWebhook ? { webhook: { url: RECEIVER } } : {};
		const { body } = await this.ask("POST", "/v1/jobs", {
			json: { model: "gateway/one", input, timeout_seconds: ATTEMPT_SECONDS, ...webhook, ...order.json },
			headers: idempotencyKey === null ? {} : { "idempotency-key": idempotencyKey },
			countsTries,
			mayDouble: idempotencyKey === null && !countsTries,
			...(order.waitSeconds === undefined ? {} : { waitSeconds: order.waitSeconds }),
		});
		const { id: jobId } = z.object({ id: z.string() }).parse(body);
		const { status = "succeeded", bought = status === "succeeded" ? 1 : 0 } = order;
		return this.expect({ tenantId: this.tenantId, jobId, status, hasWebhook, prompt, bought, ...order.expected });
	}

	expect(expected: Expected): Expected {
		this.expected.push(expected);
		return expected;
	}
}
