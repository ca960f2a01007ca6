/** The types of the client, made of the schemas that the API validates with. */
import { join } from "node:path";
import { compile } from "json-schema-to-typescript";
import { describeApi } from "../support/api-description.ts";

export const SCHEMAS_FILE = join(import.meta.dirname, "../../client/schemas.ts");

const BANNER = `/** Made of the API's schemas by \`npm run client:types\`. Do not edit. */`;
const REFERENCE = /"#\/components\/schemas\//g;

export async function clientSchemas(): Promise<string> {
	const { document } = await describeApi();
	const { schemas } = Object(document.components);
	const definitions = JSON.parse(JSON.stringify(schemas).replaceAll(REFERENCE, '"#/definitions/'));
	const options = {
		additionalProperties: false,
		bannerComment: BANNER,
		style: { useTabs: true, printWidth: 120 },
		strictIndexSignatures: true,
	};
	const members = Object.keys(definitions).map((name) => [name, { $ref: `#/definitions/${name}` }]);
	const all = { type: "object" as const, properties: Object.fromEntries(members), definitions };
	return await compile(all, "Schemas", options);
}
