/**
 * Group commit: what falls due while a write is under way rides on the next one, together. Alone, nobody waits.
 *
 * One belongs to one invocation: the runtime ends promises that are shared across requests.
 */
import type { Timers } from "./timeout.ts";

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

	/** Rejects with what the shared write rejected with: its outcome is unknown to each member. */
	async commit(member: Member): Promise<Answer> {
		const answer = this.#join(member);
		this.#begin();
		return await answer;
	}

	/** Several at once, which share a write as far as they fit. Answers in their order. */
	async commitAll(members: readonly Member[]): Promise<Answer[]> {
		const answers = members.map((member) => this.#join(member));
		this.#begin();
		return await Promise.all(answers);
	}

	#join(member: Member): Promise<Answer> {
		return new Promise((resolve, reject) => this.#waiting.push({ member, resolve, reject }));
	}

	/** The next write begins before the members of the last one are told: who comes again comes after those who wait. */
	#begin(): void {
		if (this.#isWriting || this.#waiting.length === 0) return;
		this.#isWriting = true;
		let isOver = false;
		const goOn = () => {
			if (isOver) return;
			isOver = true;
			this.#isWriting = false;
			this.#begin();
		};
		const cancelTimer = this.#options.timers.timer(PATIENCE_MS, goOn);
		void this.#write(this.#waiting.splice(0, this.#options.membersMax)).then((tell) => {
			cancelTimer();
			goOn();
			tell();
		});
	}

	/** Answers what tells the members how it went. Never rejects. */
	async #write(group: Waiting<Member, Answer>[]): Promise<() => void> {
		try {
			const answers = await this.#options.write(group.map(({ member }) => member));
			if (answers.length !== group.length) throw new Error(`${answers.length} answers for ${group.length} members`);
			return () => {
				for (const [at, answer] of answers.entries()) group[at]?.resolve(answer);
			};
		} catch (error) {
			if (group.length === 1 || !this.#options.mayBeOneMembers(error)) {
				return () => {
					for (const { reject } of group) reject(error);
				};
			}
		}
		for (const one of group) {
			const tell = await this.#write([one]);
			tell();
		}
		return () => undefined;
	}
}
