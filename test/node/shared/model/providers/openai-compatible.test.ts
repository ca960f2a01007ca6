import type { RequestListener } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import type { ModelRoute } from "../../../../../shared/core/upstreams/model-routes.ts";
import { fakeRuntime } from "../../../../support/fake-runtime.ts";
import { listen } from "../../../../support/listen.ts";
import { asking, COMPATIBLE, ending, piece, sentIn, sseOf } from "../../../../support/model-calls.ts";
import { failedAs, saying } from "../../../../support/outcomes.ts";
import { textOf } from "../../../../support/read-body.ts";

const HI = { choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }] };

/** What the provider is sent for a call. */
async function sentFor(
	call: Parameters<ReturnType<typeof asking>>[0],
	secret: (name: string) => string | null = () => null,
) {
	const sent: { url: string; headers: Headers; body: unknown }[] = [];
	const runtime = fakeRuntime({
		async fetch(url, init) {
			sent.push({ url, headers: new Headers(init.headers), body: await sentIn(init) });
			return Response.json(HI);
		},
	});
	const outcome = await asking(runtime, { secret })(call);
	return { outcome, sent: sent[0] };
}
const route = (more: Partial<ModelRoute>): ModelRoute => ({ ...COMPATIBLE, ...more });

describe("an OpenAI-compatible provider", () => {
	it.each([
		["https://a.test/v1", "https://a.test/v1/chat/completions"],
		["https://a.test/v1/", "https://a.test/v1/chat/completions"],
		["http://127.0.0.1:11434", "http://127.0.0.1:11434/chat/completions"],
		["https://a.test/openai?api-version=1", "https://a.test/openai/chat/completions?api-version=1"],
	])("at %s is called at %s", async (base_url, url) => {
		expect((await sentFor({ route: route({ base_url }) })).sent?.url).toBe(url);
	});

	it("is sent the caller's body, unlisted fields included, with the model's name", async () => {
		const input = {
			messages: [{ role: "user", content: "Why?", x: 1 }],
			seed: 7,
			model: "mine",
			stream: false,
			stream_options: { include_usage: false },
		};
		expect((await sentFor({ input })).sent?.body).toEqual({ ...input, model: "maker/model" });
		expect((await sentFor({ input, route: route({ rename: "other" }) })).sent?.body).toEqual({
			...input,
			model: "other",
		});
	});

	it.each([
		["https://api.openai.com/v1", {}, false],
		["https://api.openai.com/v1", { store: true }, true],
		["https://api.openai.com.test/v1", {}, undefined],
	])("at %s, given %j, is sent store: %j", async (base_url, more, store) => {
		const { sent } = await sentFor({ route: route({ base_url }), input: { messages: [], ...more } });
		expect(Object(sent?.body).store).toBe(store);
	});

	it("is requested to count the tokens of a stream, unless the caller decided", async () => {
		const input = { messages: [], stream: true };
		const counted = { ...input, stream_options: { include_usage: true } };
		const uncounted = { ...input, stream_options: { include_usage: false } };
		expect((await sentFor({ input })).sent?.body).toMatchObject(counted);
		expect((await sentFor({ input: uncounted })).sent?.body).toMatchObject(uncounted);
	});

	it("is given the key of the secret that its route names, and none without", async () => {
		const secret = (name: string) => (name === "PROVIDER_KEY" ? "sk-1\n" : null);
		const { sent } = await sentFor({ route: route({ api_key_secret: "PROVIDER_KEY" }) }, secret);
		expect(sent?.headers.get("authorization")).toBe("Bearer sk-1");
		expect((await sentFor({})).sent?.headers.has("authorization")).toBe(false);
	});

	it("is given the headers of its route, whose values no message shows, not without their scheme either", async () => {
		const secrets: Record<string, string> = { AZURE_KEY: " azure-1\n", BASIC: "Basic dXNlcjpwYXNz" };
		const runtime = fakeRuntime({
			async fetch(_, init) {
				const sent = new Headers(init.headers);
				const { "api-key": key, authorization } = Object.fromEntries(sent);
				expect([key, authorization]).toEqual(["azure-1", secrets.BASIC]);
				const message = `Bad ${key}, bad ${authorization}, bad ${authorization?.split(" ")[1]}.`;
				return Response.json({ error: { message, code: key } }, { status: 400 });
			},
		});
		const headers = { "api-key": "AZURE_KEY", authorization: "BASIC" };
		const outcome = await asking(runtime, { secret: (name) => secrets[name] ?? null })({ route: route({ headers }) });
		const message = "Bad [secret], bad [secret], bad [secret].";
		expect(outcome).toMatchObject(failedAs({ providerCode: null, message, status: 400 }));
	});

	it.each([null, "", " \n", "a\nb"])("is not called without the key that its route names (%j)", async (value) => {
		const byHeader = await sentFor({ route: route({ headers: { "api-key": "PROVIDER_KEY" } }) }, () => value);
		const { sent, outcome } = await sentFor({ route: route({ api_key_secret: "PROVIDER_KEY" }) }, () => value);
		expect([sent, byHeader.sent]).toEqual([undefined, undefined]);
		expect(outcome).toEqual(byHeader.outcome);
		expect(outcome).toMatchObject(failedAs({ class: "permanent", code: "route_misconfigured", isCallMade: false }));
	});
});

describe("over a real connection", () => {
	let server: { close(): void } | undefined;
	afterEach(() => server?.close());

	async function askServer(onRequest: RequestListener, input = {}, limits = {}) {
		const started = await listen(0, onRequest);
		server = started;
		const runtime = fakeRuntime({ fetch: (url, init) => fetch(url, init) });
		const base_url = `http://127.0.0.1:${started.port}/v1`;
		const outcome = asking(runtime, { limits })({ route: route({ base_url }), input: { messages: [], ...input } });
		return { outcome, runtime };
	}

	it("6 MB of prompt arrive unchanged, and 5 MB of answer come back", async () => {
		const prompt = "Prömpt ".repeat(800_000);
		const answer = "ä".repeat(2_500_000);
		let received: unknown;
		const { outcome } = await askServer(
			async (request, response) => {
				received = JSON.parse((await textOf(request)) ?? "");
				response.setHeader("content-type", "application/json");
				response.end(
					JSON.stringify({
						choices: [{ index: 0, message: { role: "assistant", content: answer }, finish_reason: "stop" }],
					}),
				);
			},
			{ messages: [{ role: "user", content: prompt }], stream: false },
		);
		expect(await outcome).toMatchObject(saying(answer));
		expect(received).toEqual({ model: "maker/model", stream: false, messages: [{ role: "user", content: prompt }] });
	});

	it("a stream is assembled", async () => {
		const { outcome } = await askServer((_, response) => {
			response.setHeader("content-type", "text/event-stream; charset=utf-8");
			response.write(sseOf(piece("H")));
			response.end(`${sseOf(piece("i"), ending)}data: [DONE]\n\n`);
		});
		expect(await outcome).toMatchObject(saying("Hi"));
	});

	it.each(["before the headers", "in a stream", "in JSON"])(
		"a connection that dies %s is a transient failure",
		async (when) => {
			const { outcome } = await askServer((_, response) => {
				if (when === "before the headers") response.destroy();
				else {
					response.setHeader("content-type", when === "in a stream" ? "text/event-stream" : "application/json");
					response.write(when === "in a stream" ? sseOf(piece("Hi")) : '{"choices":[', () => response.destroy());
				}
			});
			const code = when === "before the headers" ? "unreachable" : "stream_cut";
			expect(await outcome).toMatchObject(failedAs({ class: "transient", code }));
		},
	);

	it("a stream that stalls is hung up on", async () => {
		let begun = () => {};
		const hasBegun = new Promise<void>((resolve) => (begun = resolve));
		let hungUp = () => {};
		const isHungUp = new Promise<void>((resolve) => (hungUp = resolve));
		const { outcome, runtime } = await askServer((request, response) => {
			request.socket.on("close", hungUp);
			response.setHeader("content-type", "text/event-stream");
			response.write(sseOf(piece("Hi")), begun);
		});
		await hasBegun;
		// However far the first piece has come: one of the limits of silence has passed.
		await runtime.advance(300_000);
		expect(await outcome).toMatchObject(failedAs({ class: "transient", code: "stalled" }));
		await isHungUp;
	});

	it("a redirect is not followed", async () => {
		const visited: (string | undefined)[] = [];
		const { outcome } = await askServer((request, response) => {
			visited.push(request.url);
			response.writeHead(307, { location: "/elsewhere" }).end();
		});
		expect(await outcome).toMatchObject(failedAs({ class: "permanent", code: "redirected", status: 307 }));
		expect(visited).toEqual(["/v1/chat/completions"]);
	});
});
