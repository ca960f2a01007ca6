/** The two versions of OpenAI's package that the suite drives. */
import OpenAI7, { type ClientOptions } from "openai";
import OpenAI6 from "openai-6";
import { z } from "zod";

/** The older version's types are others in name only. */
const AsNewer = z.custom<OpenAI7>((client) => client instanceof OpenAI6);

type Options = Pick<ClientOptions, "baseURL" | "apiKey" | "timeout" | "maxRetries">;

export const CLIENTS = [
	{ name: "openai 7", make: (options: Options) => new OpenAI7(options) },
	{
		name: "openai 6",
		make: ({ baseURL, apiKey, ...options }: Options) => {
			const key = z.string().parse(apiKey);
			return AsNewer.parse(new OpenAI6({ ...options, baseURL: baseURL ?? null, apiKey: key }));
		},
	},
];
