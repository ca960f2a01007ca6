/**
 * The Worker of a local run: the same, with a bucket that takes large objects in slices. Production's R2 takes an object over the
 * network. The local simulator handles it in the thread of the Worker, 4 KiB at a time without a pause, so that 16 MiB in one piece
 * would hold all other requests up for more than half a second.
 */
import worker from "./index.ts";
import { runtime } from "./runtime.ts";

/** The simulator needs some 10 ms for so much. */
const SLICE_BYTES = 256 * 1024;

export default {
	fetch: (request, env, context) => worker.fetch(request, localEnv(env), context),
	queue: (batch, env, context) => worker.queue(batch, localEnv(env), context),
	scheduled: (controller, env) => worker.scheduled(controller, localEnv(env)),
} satisfies ExportedHandler<Env>;

const envs = new WeakMap<Env, Env>();

function localEnv(env: Env): Env {
	const local = envs.get(env) ?? { ...env, RESULTS: inSlices(env.RESULTS) };
	envs.set(env, local);
	return local;
}

/** The same bucket. It puts bytes slice by slice, and lets other requests go on in between. */
export function inSlices(bucket: R2Bucket): R2Bucket {
	const put = (key: string, value: string | Uint8Array, options: R2PutOptions) => {
		if (typeof value === "string" || value.byteLength <= SLICE_BYTES) return bucket.put(key, value, options);
		const { readable, writable } = new FixedLengthStream(value.byteLength);
		// A put that ends before it has read everything is reported by its own promise.
		write(value, writable.getWriter()).catch(() => undefined);
		return bucket.put(key, readable, options);
	};
	return new Proxy(bucket, {
		get(target, name) {
			const member: unknown = name === "put" ? put : Reflect.get(target, name);
			return typeof member === "function" ? member.bind(target) : member;
		},
	});
}

async function write(bytes: Uint8Array, writer: WritableStreamDefaultWriter<Uint8Array>): Promise<void> {
	for (let at = 0; at < bytes.byteLength; at += SLICE_BYTES) {
		await writer.write(bytes.subarray(at, at + SLICE_BYTES));
		await runtime.sleep(0);
	}
	await writer.close();
}
