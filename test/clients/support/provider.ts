/** The provider of one file: each test has models of its own. */
import { randomUUID } from "node:crypto";
import { afterAll, inject } from "vitest";
import { openScriptedProvider } from "../../service/support/scripted-provider.ts";
import type { Answer } from "../../support/answers.ts";

const provider = await openScriptedProvider(inject("service").providerPort);
afterAll(provider.close);

/** A model that answers its calls with these, one after the other. */
export function aModel(...answers: Answer[]): string {
	const model = `scripted/${randomUUID()}`;
	provider.script(model, ...answers);
	return model;
}

export const callsOf = (model: string) => provider.callsOf(model);

/** What the provider was sent with the first call for `model`. */
export function bodySentTo(model: string): unknown {
	return JSON.parse(callsOf(model)[0]?.text ?? "null");
}
