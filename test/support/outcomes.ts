/** Outcomes of model calls, for `toMatchObject`. */
export const failedAs = (failure: object) => ({ ok: false, failure });
export const saying = (content: string) => ({
	ok: true,
	response: { completion: { choices: [{ message: { content } }] } },
});
