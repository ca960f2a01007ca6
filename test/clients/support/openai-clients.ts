/** The two versions of OpenAI's package that the suite drives. */
import OpenAI7 from "openai";
import OpenAI6 from "openai-6";

export interface ClientOptions {
	baseURL: string;
	apiKey: string;
	timeout?: number;
	maxRetries?: number;
}

export const CLIENTS = [
	{ name: "openai 7", make: (options: ClientOptions) => new OpenAI7(options) },
	{ name: "openai 6", make: (options: ClientOptions) => new OpenAI6(options) },
];
