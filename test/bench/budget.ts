/** What a plain job with one webhook may cost, from its submission to the receiver's 200. A test holds the service to it. */

export const BUDGET = {
	/** D1 rows, index entries included, of a job that comes alone. */
	rowsWrittenAlone: 11,
	/** On average, of a hundred that come at once. */
	rowsWrittenTogether: 10,
	/** Two messages, each written, read and deleted. */
	queueOps: 6,
	/** The result, put once. */
	r2ClassA: 1,
};
