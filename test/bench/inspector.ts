/** The inspector of the local engine, spoken to as a debugger does: enough of it to take a CPU profile. */
import { getJson } from "./engine.ts";

interface Node {
	id: number;
	callFrame: { functionName: string; url: string; lineNumber: number };
	children?: number[];
}

interface CpuProfile {
	nodes: Node[];
	samples: number[];
	/** Microseconds since the sample before. */
	timeDeltas: number[];
}

const SAMPLE_EVERY_US = 500;

export async function profileDuring(inspectorPort: number, run: () => Promise<unknown>): Promise<CpuProfile> {
	const inspector = await connect(inspectorPort);
	await inspector.ask("Profiler.enable");
	await inspector.ask("Profiler.setSamplingInterval", { interval: SAMPLE_EVERY_US });
	await inspector.ask("Profiler.start");
	await run();
	const { profile } = (await inspector.ask("Profiler.stop")) as { profile: CpuProfile };
	inspector.close();
	return profile;
}

/** What the Worker's isolate holds after a collection: its own memory, apart from the engine's around it. */
export async function heapBytes(inspectorPort: number): Promise<number> {
	const inspector = await connect(inspectorPort);
	await inspector.ask("HeapProfiler.collectGarbage");
	const { usedSize } = (await inspector.ask("Runtime.getHeapUsage")) as { usedSize: number };
	inspector.close();
	return usedSize;
}

async function connect(inspectorPort: number) {
	const targets = await getJson<{ webSocketDebuggerUrl: string }[]>(`http://127.0.0.1:${inspectorPort}/json`);
	const [target] = targets;
	if (target === undefined) throw new Error("the inspector knows no Worker");
	const url = target.webSocketDebuggerUrl;
	// wrangler lets in whom it takes for a page of this machine. Node's WebSocket has headers, which the types of Workers do not know.
	const options: object = { headers: { origin: "http://localhost" } };
	const socket: WebSocket = Reflect.construct(WebSocket, [url, options]);
	const waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
	let asked = 0;
	socket.addEventListener("message", ({ data }) => {
		const { id, result, error } = JSON.parse(String(data));
		const asker = waiting.get(id);
		waiting.delete(id);
		if (error === undefined) asker?.resolve(result);
		else asker?.reject(new Error(JSON.stringify(error)));
	});
	await new Promise((resolve, reject) => {
		socket.addEventListener("open", resolve);
		socket.addEventListener("error", () => reject(new Error(`no inspector at ${url}`)));
	});
	return {
		ask: async (method: string, params: object = {}): Promise<unknown> =>
			await new Promise((resolve, reject) => {
				asked += 1;
				waiting.set(asked, { resolve, reject });
				socket.send(JSON.stringify({ id: asked, method, params }));
			}),
		close: () => socket.close(),
	};
}

interface Hot {
	/** Function, file and line of the bundle. */
	where: string;
	selfMs: number;
	share: number;
}

/** The functions that the CPU was found in, the hottest first; idle time apart. */
export function hottest({ nodes, samples, timeDeltas }: CpuProfile, count: number): { busyMs: number; top: Hot[] } {
	const byId = new Map(nodes.map((node) => [node.id, node]));
	const selfMs = new Map<string, number>();
	samples.forEach((id, at) => {
		const frame = byId.get(id)?.callFrame;
		if (frame === undefined || frame.functionName === "(idle)") return;
		const file = frame.url.split("/").at(-1) ?? "";
		const where = `${frame.functionName || "(anonymous)"} ${file}:${frame.lineNumber + 1}`;
		selfMs.set(where, (selfMs.get(where) ?? 0) + (timeDeltas[at] ?? 0) / 1000);
	});
	const busyMs = [...selfMs.values()].reduce((sum, ms) => sum + ms, 0);
	const top = [...selfMs]
		.toSorted((a, b) => b[1] - a[1])
		.slice(0, count)
		.map(([where, ms]) => ({ where, selfMs: ms, share: ms / busyMs }));
	return { busyMs, top };
}
