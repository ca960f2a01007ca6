/** What happens in a world: a tenant's program that sends requests, repeats them, and what it may expect in the end. */
import { env } from "cloudflare:workers";
import { z } from "zod";
import { newId } from "../../../shared/core/ids.ts";
import type { JobKey } from "../../../shared/core/jobs/job.ts";
import type { FinalState } from "../../../shared/core/jobs/job-states.ts";
import { makeApiKey, SCOPES } from "../../../shared/core/tenants/api-key.ts";
import { sha256Hex } from "../../../shared/crypto/digest.ts";
import { aTenant, insertRow, SECOND } from "../support/a-job.ts";
import { RECEIVER, type Step } from "../world/upstreams.ts";
import { ATTEMPT_SECONDS, type World } from "../world/world.ts";
import { type Received, type Sent, sendOnce } from "./send.ts";

/** A job that must have ended so. */
export interface Expected extends JobKey {
	status: FinalState | "erased";
	hasWebhook: boolean;
	prompt: string;
	/** How many results are paid for, while nothing goes wrong between us and the model. */
	bought: number;
	/** How many endpoints get its end, how many do not, and whether its own webhook gets its start. */
	endpoints?: number;
	missed?: number;
	hasStartWebhook?: boolean;
	/** How often the story requests its webhooks again. */
	redelivered?: number;
	/** Which of the results of its prompt is the job's: the first that was stored. Not given: any. */
	result?: number;
}

export interface Order {
	prompt: string;
	steps?: Step[];
	hasWebhook?: boolean;
	expected?: Pick<Expected, "endpoints" | "missed" | "hasStartWebhook">;
	isLarge?: boolean;
	/** Without one, two requests may make two jobs. */
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
const POLLS_MAX = 60;
const POLL_MS = 5 * SECOND;
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
	/** Jobs that may have been made by requests that got no good response, and were repeated without a key. */
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

	/** Repeats the request until there is a good response, as any client does. */
	async send(method: string, path: string, sent: Sent = {}): Promise<Received> {
		for (let tried = 1; tried <= TRIES; tried++) {
			const counted = sent.countsTries === true ? { "x-stainless-retry-count": String(tried - 1) } : {};
			const headers = { ...sent.headers, ...counted };
			const received = await sendOnce(this.world, this.key, method, path, { ...sent, headers });
			if (received !== null && received.status < 500) {
				const { status, body } = received;
				const isRepeat = tried > 1 && status === sent.statusOfRepeat;
				const isFine = status < 300 || isRepeat || status === sent.otherStatus;
				if (!isFine) this.world.problem(`${method} ${path} → ${status} ${JSON.stringify(body)}`);
				return received;
			}
			if (sent.mayDouble) this.strays += 1;
			await this.pass(REPEAT_MS);
		}
		throw new Error(`${method} ${path} gets no good response, however often it is repeated`);
	}

	wish(what: string, isTrue: () => Promise<boolean>): void {
		this.wishes.push({ what, isTrue });
	}

	/** Lets time pass until the job is over, as a caller sees that polls. */
	async untilOver({ jobId }: Expected): Promise<void> {
		const row = env.DB.prepare("SELECT 1 FROM jobs WHERE id = ?1 AND finished_at IS NOT NULL").bind(jobId);
		for (let polls = 0; polls < POLLS_MAX && (await row.first()) === null; polls++) await this.pass(POLL_MS);
	}

	/** Lets time pass. */
	async pass(ms: number): Promise<void> {
		await this.world.advance(ms);
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
		const { body } = await this.send("POST", "/v1/jobs", {
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
