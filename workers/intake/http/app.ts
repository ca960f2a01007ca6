/** How every part of the API is built: the same environment, and the same answer to what does not validate. */
import { OpenAPIHono } from "@hono/zod-openapi";
import type { IntakeEnv } from "../services.ts";
import { refuseInvalid } from "./errors.ts";

export function newApp(): OpenAPIHono<IntakeEnv> {
	return new OpenAPIHono<IntakeEnv>({ defaultHook: refuseInvalid });
}
