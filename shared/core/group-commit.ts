/**
 * Group commit: members that arrive while a write is in flight share the next write. A member that comes alone never waits.
 *
 * Each instance belongs to one invocation: the runtime cancels promises that are shared across requests.
 */
import type { Timers } from "./timeout.ts";

/** After this time the next write begins while the slow one is still in flight. */
const SLOW_WRITE_MS = 1_000;

export interface GroupOptions<Member, Output> {
	timers: Timers;
	/** Returns one output per member, in their order. */
	write: (members: Member[]) => Promise<Output[]>;
	membersMax: number;
	/** Whether one member may have caused the error. Then each is written alone, so that the others still succeed. */
	shouldSplit: (error: unknown) => boolean;
}

interface Waiting<Member, Output> {
	member: Member;
	resolve: (output: Output) => void;
	reject: (error: unknown) => void;
}

export class GroupCommit<Member, Output> {
	readonly #options: GroupOptions<Member, Output>;
	readonly #waiting: Waiting<Member, Output>[] = [];
	#isWriting = false;

	constructor(options: GroupOptions<Member, Output>) {
		this.#options = options;
	}

	/** Rejects with the error of the shared write, whose effect is then unknown to each member. */
	async commit(member: Member): Promise<Output> {
		const output = this.#join(member);
		this.#begin();
		return await output;
	}

	/** Commits several at once, in writes of up to `membersMax`. Returns outputs in their order. */
	async commitAll(members: readonly Member[]): Promise<Output[]> {
		const outputs = members.map((member) => this.#join(member));
		this.#begin();
		return await Promise.all(outputs);
	}

	#join(member: Member): Promise<Output> {
		return new Promise((resolve, reject) => this.#waiting.push({ member, resolve, reject }));
	}

	/**
	 * The next write begins before the last one's members are settled, so that a member that commits again does not overtake
	 * those that wait.
	 */
	#begin(): void {
		if (this.#isWriting || this.#waiting.length === 0) return;
		this.#isWriting = true;
		let isOver = false;
		const next = () => {
			if (isOver) return;
			isOver = true;
			this.#isWriting = false;
			this.#begin();
		};
		const cancelTimer = this.#options.timers.timer(SLOW_WRITE_MS, next);
		void this.#write(this.#waiting.splice(0, this.#options.membersMax)).then((settle) => {
			cancelTimer();
			next();
			settle();
		});
	}

	/** Returns the function that settles the members. Never rejects. */
	async #write(group: Waiting<Member, Output>[]): Promise<() => void> {
		try {
			const outputs = await this.#options.write(group.map(({ member }) => member));
			if (outputs.length !== group.length) throw new Error(`${outputs.length} outputs for ${group.length} members`);
			return () => {
				for (const [at, output] of outputs.entries()) group[at]?.resolve(output);
			};
		} catch (error) {
			if (group.length === 1 || !this.#options.shouldSplit(error)) {
				return () => {
					for (const { reject } of group) reject(error);
				};
			}
		}
		for (const one of group) {
			const settle = await this.#write([one]);
			settle();
		}
		return () => undefined;
	}
}
