/** Holds bodies to the schemas of `/openapi.json` with a validator that had no part in writing them. */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import type { ApiDescription } from "../support/api-description.ts";
import type { SchemaCheck } from "./check-answer.ts";

const DOCUMENT = "https://jobs.test/openapi.json";

export function schemaCheck({ document }: ApiDescription): SchemaCheck {
	const ajv = new Ajv2020({ strict: false, validateFormats: false });
	ajv.addSchema({ ...document, $id: DOCUMENT });
	const validators = new Map<string, ValidateFunction>();
	return ({ path, method }, status, body) => {
		const steps = ["paths", path, method.toLowerCase(), "responses", String(status), "content", "application/json"];
		const pointer = [...steps, "schema"]
			.map((step) => encodeURIComponent(step.replaceAll("~", "~0").replaceAll("/", "~1")))
			.join("/");
		const validate = validators.get(pointer) ?? ajv.compile({ $ref: `${DOCUMENT}#/${pointer}` });
		validators.set(pointer, validate);
		return validate(body) ? null : ajv.errorsText(validate.errors);
	};
}
