/**
 * What the peer takes from npm. The project does not depend on it: to run this comparison, install it beside. So the
 * few parts that are used are described here, and the project compiles without them.
 */
import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { z } from "zod";

/** BullMQ reaches Redis by ioredis, which since its version 6 it does not bring along. */
export const PACKAGES = ["bullmq", "ioredis"] as const;

export interface Connection {
	host: string;
	port: number;
}

export interface QueuedJob<Data> {
	id?: string;
	data: Data;
	returnvalue: unknown;
	getState(): Promise<string>;
	/** What the jobs that this one waited for have returned, by their keys. */
	getChildrenValues(): Promise<Record<string, unknown>>;
}

/** A job, and those that have to succeed before it is anybody's turn to run it. */
export interface Flow {
	name: string;
	queueName: string;
	data: object;
	opts: object;
	children?: Flow[];
}

interface Queue {
	getJob(id: string): Promise<QueuedJob<unknown> | undefined>;
	getJobCountByTypes(...states: string[]): Promise<number>;
}

interface Worker {
	on(event: "error", hear: (error: Error) => void): this;
	on(event: "failed", hear: (job: unknown, error: Error) => void): this;
}

interface FlowProducer {
	add(flow: Flow): Promise<unknown>;
}

export interface Bullmq {
	Queue: new (name: string, options: { connection: Connection }) => Queue;
	Worker: new <Data>(
		name: string,
		run: (job: QueuedJob<Data>) => Promise<unknown>,
		options: { connection: Connection; concurrency: number },
	) => Worker;
	FlowProducer: new (options: { connection: Connection }) => FlowProducer;
}

const classOf = <Class>() => z.custom<Class>((value) => typeof value === "function", "is no class");

const BullmqModule = z.object({
	Queue: classOf<Bullmq["Queue"]>(),
	Worker: classOf<Bullmq["Worker"]>(),
	FlowProducer: classOf<Bullmq["FlowProducer"]>(),
});

const Manifest = z.object({ version: z.string() });

export async function importBullmq(): Promise<Bullmq> {
	// Not as a literal, whose types the compiler would look for.
	const name: string = PACKAGES[0];
	const found: unknown = await import(name);
	return BullmqModule.parse(found);
}

/** Null: it cannot be imported from here. */
export function installedVersion(name: string): string | null {
	const path = manifestOf(name);
	return path === null ? null : Manifest.parse(JSON.parse(readFileSync(path, "utf8"))).version;
}

function manifestOf(name: string): string | null {
	try {
		return findPackageJSON(name, import.meta.url) ?? null;
	} catch {
		// Node throws for a package that is nowhere to be found.
		return null;
	}
}
