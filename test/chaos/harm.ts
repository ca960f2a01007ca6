/** Does to the service what the plan says, one action after the other, and brings it back each time. */
import { setTimeout as sleep } from "node:timers/promises";
import { signalAll } from "../../scripts/lib/processes.ts";
import type { Action } from "./plan.ts";
import type { Recorder } from "./recorder.ts";
import type { ServiceProcess } from "./service-process.ts";

export async function doHarm(service: ServiceProcess, actions: readonly Action[], recorder: Recorder): Promise<void> {
	for (const action of actions) {
		await sleep(action.gapMs);
		if (!service.isUp) throw new Error("the service ended without any harm done to it");
		const { kind } = action;
		const end = recorder.begin("supervisor", {
			op: "harm",
			kind: kind.endsWith("runtime") ? `${kind} ${action.runtime}` : kind,
		});
		await act(service, action);
		end({ type: "ok" });
		if (!service.isUp) await service.start();
	}
}

async function act(service: ServiceProcess, action: Action): Promise<void> {
	switch (action.kind) {
		case "kill":
			return await service.kill();
		case "stop":
			return await service.stop();
		case "kill_runtime":
			signalAll(service.runtime(action.runtime), "SIGKILL");
			// The script notices, says so, and ends: its user starts it again.
			return await service.ended();
		case "pause":
			return await pause(service.processes(), action.pauseMs);
		case "pause_runtime":
			return await pause(service.runtime(action.runtime), action.pauseMs);
	}
}

async function pause(processes: ReturnType<ServiceProcess["processes"]>, pauseMs: number): Promise<void> {
	signalAll(processes, "SIGSTOP");
	await sleep(pauseMs);
	signalAll(processes, "SIGCONT");
}
