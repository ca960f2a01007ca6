/** A provider that does what a test scripts for each model, call by call. */
import { type Answer, refusing } from "../../support/answers.ts";
import { openProvider, type SeenCall } from "../../support/provider.ts";

export interface ScriptedProvider {
	/** The first call for `model` gets the first answer, and so on. A call too many is a 400 that says so. */
	script(model: string, ...answers: Answer[]): void;
	/** All calls for any of `models`, in the order in which they came. */
	callsOf(...models: string[]): SeenCall[];
	close(): void;
}

const UNSCRIPTED = refusing(400, { message: "This call is not in the script." });

export async function openScriptedProvider(port: number): Promise<ScriptedProvider> {
	const scripts = new Map<string, Answer[]>();
	const { calls, close } = await openProvider(port, ({ model }, soFar) => {
		const nth = soFar.filter((call) => call.model === model).length;
		return scripts.get(model)?.[nth - 1] ?? UNSCRIPTED;
	});
	return {
		script: (model, ...answers) => scripts.set(model, answers),
		callsOf: (...models) => calls.filter(({ model }) => models.includes(model)),
		close,
	};
}
