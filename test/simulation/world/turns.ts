/** Turns of the event loop: between two of them, every promise that can go on does. */

/** A trip round the event loop costs more than most turns do, and immediates that were set together share one. */
const TURNS_PER_TRIP = 100;

/** Takes a turn again and again, until one answers something. */
export function inTurns<T>(turn: () => T | null): Promise<T> {
	return new Promise((resolve, reject) => {
		let isOver = false;
		const takeOne = () => {
			if (isOver) return;
			try {
				const answer = turn();
				if (answer === null) return;
				resolve(answer);
			} catch (error) {
				reject(error);
			}
			isOver = true;
		};
		const setOut = () => {
			for (let left = TURNS_PER_TRIP; left > 0 && !isOver; left--) setImmediate(takeOne);
			if (!isOver) setImmediate(setOut);
		};
		setOut();
	});
}
