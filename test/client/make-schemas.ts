/** Writes `client/schemas.ts`: the types of the API's schemas. */
import { writeFileSync } from "node:fs";
import { clientSchemas, SCHEMAS_FILE } from "./client-schemas.ts";

writeFileSync(SCHEMAS_FILE, await clientSchemas());
