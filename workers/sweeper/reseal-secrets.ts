/**
 * While SIGNING_KEY_PREVIOUS is set, seals its secrets again with SIGNING_KEY, one page per sweep, so that it can be removed:
 * from a day after this key was first seen.
 * The secrets themselves stay the same.
 */
import { z } from "zod";
import { secretOwner } from "../../shared/core/webhooks/webhook-endpoint.ts";
import { seal, signingKeyId, unseal } from "../../shared/crypto/seal.ts";
import {
	findSecretsSealedWith,
	replaceSeals,
	type SecretCursor,
	type StoredSecret,
} from "../../shared/db/tenants/sealed-secrets.ts";
import { readNote, writeNote } from "../../shared/db/upkeep/sweeper-notes.ts";
import { logError } from "../log.ts";
import type { Budget, Sweeper } from "./sweeper.ts";

/** Each secret costs two key derivations. */
const PAGE = 100;
/** The notes, the page, and what replaces it. */
const STATEMENTS = 5;
/** Until every isolate has the new key: one that has only the old could not open what the new one sealed. */
const ROLLED_OUT_MS = 24 * 3_600_000;

const Cursor = z.object({ place: z.number(), tenantId: z.string(), endpointId: z.string().nullable() });

/** Each sweep continues after the last page, so that secrets that cannot be opened do not block the others. */
export async function resealSecrets(sweeper: Sweeper, budget: Budget): Promise<{ secretsResealed: number }> {
	const { db, runtime, signingKeys } = sweeper;
	const [, previous] = signingKeys;
	if (previous === undefined || !budget.allows(STATEMENTS)) return { secretsResealed: 0 };
	if (!(await isRolledOut(sweeper))) return { secretsResealed: 0 };
	const after = cursorOf(await readNote(db, "reseal_cursor"));
	const found = await findSecretsSealedWith(db, await signingKeyId(runtime, previous), { limit: PAGE, after });
	const resealed = await Promise.all(found.map((secret) => reseal(sweeper, secret)));
	const secretsResealed = await replaceSeals(db, resealed.flat());
	const last = found.length < PAGE ? undefined : found.at(-1);
	if (last !== undefined || after !== null)
		await writeNote(db, "reseal_cursor", last === undefined ? "" : noteOf(last));
	return { secretsResealed };
}

const Seen = z.object({ keyId: z.string(), at: z.number() });

/** Whether this key was first seen a day ago. */
async function isRolledOut({ db, runtime, signingKeys }: Sweeper): Promise<boolean> {
	const keyId = await signingKeyId(runtime, signingKeys[0] ?? "");
	const note = await readNote(db, "signing_key_seen");
	const seen = note === null ? null : Seen.parse(JSON.parse(note));
	if (seen?.keyId === keyId) return runtime.now() - seen.at >= ROLLED_OUT_MS;
	await writeNote(db, "signing_key_seen", JSON.stringify({ keyId, at: runtime.now() }));
	return false;
}

function cursorOf(note: string | null): SecretCursor | null {
	return note === null || note === "" ? null : Cursor.parse(JSON.parse(note));
}

function noteOf({ place, tenantId, endpointId }: SecretCursor): string {
	return JSON.stringify({ place, tenantId, endpointId });
}

/** An empty list for a secret that cannot be opened: it is logged, and does not stop the others. */
async function reseal({ runtime, signingKeys }: Sweeper, secret: StoredSecret) {
	const { tenantId, endpointId } = secret;
	const owner = endpointId === null ? tenantId : secretOwner({ tenantId, endpointId });
	try {
		const plain = await unseal(runtime, signingKeys, owner, secret.sealed);
		return [{ ...secret, resealed: await seal(runtime, signingKeys[0] ?? "", owner, plain) }];
	} catch (error) {
		logError("secret.reseal_failed", { tenantId, endpointId }, error);
		return [];
	}
}
