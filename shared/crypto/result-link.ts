/** Links to a result that work without an API key until they expire. */
import type { JobKey } from "../core/jobs/job.ts";
import type { Runtime } from "../core/runtime.ts";
import { fromHex, toHex, utf8 } from "./bytes.ts";
import { deriveKey, signingKeyId } from "./seal.ts";

/** `<key id>.<tenant>.<mac>`: the job is looked up under that tenant alone. Each link has exactly one valid spelling. */
const SIGNATURE = /^([0-9a-f]{8})\.(ten_[0-9a-z]{26})\.([0-9a-f]{64})$/;

/** Seconds, without leading zeros. */
const EXPIRES = /^[1-9]\d{0,11}$/;

/** A link to the job's result that works until `expiresAt`. */
export async function signedResultUrl(
	runtime: Runtime,
	signingKey: string,
	publicUrl: string,
	job: JobKey,
	expiresAt: number,
): Promise<string> {
	const expires = Math.floor(expiresAt / 1000);
	const key = await deriveKey(runtime, signingKey, "HMAC", "sign");
	const mac = new Uint8Array(await runtime.subtle.sign("HMAC", key, signedText(job, expires)));
	const signature = [await signingKeyId(runtime, signingKey), job.tenantId, toHex(mac)].join(".");
	return `${publicUrl}/v1/jobs/${job.jobId}/result?expires=${expires}&signature=${signature}`;
}

/** The job that a link gives access to; null if the link is not ours, was changed, or has expired. */
export async function verifyResultLink(
	runtime: Runtime,
	signingKeys: string[],
	link: { jobId: string; expires: string; signature: string },
): Promise<JobKey | null> {
	const [, id, tenantId, mac] = SIGNATURE.exec(link.signature) ?? [];
	if (tenantId === undefined || mac === undefined || !EXPIRES.test(link.expires)) return null;
	if (Number(link.expires) * 1000 <= runtime.now()) return null;
	const job = { tenantId, jobId: link.jobId };
	for (const signingKey of signingKeys) {
		if (id !== (await signingKeyId(runtime, signingKey))) continue;
		const key = await deriveKey(runtime, signingKey, "HMAC", "verify");
		if (await runtime.subtle.verify("HMAC", key, fromHex(mac), signedText(job, Number(link.expires)))) return job;
	}
	return null;
}

function signedText(job: JobKey, expires: number) {
	return utf8(`result ${job.tenantId} ${job.jobId} ${expires}`);
}
