/**
 * Group commit: what falls due while a write is under way rides on the next one, together. Alone, nobody waits.
 *
 * One belongs to one invocation: the runtime ends promises that are shared across requests.
 */
import type { Timers } from "./within.ts";

/** A write that takes longer holds nobody up: the next begins beside it. */
const PATIENCE_MS = 1_000;

export interface GroupOptions<Member, Answer> {
	timers: Timers;
	/** Answers one entry per member, in their order. */
	write: (members: Member[]) => Promise<Answer[]>;
	membersMax: number;
	/** Whether such a failure may be one member's alone: then they are written singly, so that none drags its neighbours. */
	mayBeOneMembers: (error: unknown) => boolean;
}

interface Waiting<Member, Answer> {
	member: Member;
	resolve: (answer: Answer) => void;
	reject: (error: unknown) => void;
}

export class GroupCommit<Member, Answer> {
	readonly #options: GroupOptions<Member, Answer>;
	readonly #waiting: Waiting<Member, Answer>[] = [];
	#isWriting = false;

	constructor(options: GroupOptions<Member, Answer>) {
		this.#options = options;
	}

	/** Answers one entry per member. Rejects with what a shared write rejected with: its outcome is unknown to each. */
	async commit(...members: Member[]): Promise<Answer[]> {
		const answers = members.map(
			(member) => new Promise<Answer>((resolve, reject) => this.#waiting.push({ member, resolve, reject })),
		);
		if (!this.#isWriting) void this.#writeAll();
		return await Promise.all(answers);
	}

	async #writeAll(): Promise<void> {
		this.#isWriting = true;
		while (this.#waiting.length > 0) {
			await this.#inTime(this.#writeGroup(this.#waiting.splice(0, this.#options.membersMax)));
		}
		this.#isWriting = false;
	}

	async #inTime(writing: Promise<void>): Promise<void> {
		await new Promise<void>((resolve) => {
			const takeBack = this.#options.timers.timer(PATIENCE_MS, resolve);
			writing.then(takeBack).then(resolve);
		});
	}

	async #writeGroup(group: Waiting<Member, Answer>[]): Promise<void> {
		try {
			const answers = await this.#options.write(group.map(({ member }) => member));
			for (const [at, answer] of answers.entries()) group[at]?.resolve(answer);
		} catch (error) {
			if (group.length > 1 && this.#options.mayBeOneMembers(error)) {
				for (const one of group) await this.#writeGroup([one]);
			} else {
				for (const { reject } of group) reject(error);
			}
		}
	}
}
