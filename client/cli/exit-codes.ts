/** What a command's exit code says. */
import {
	ConnectionError,
	Forbidden,
	HoldfastError,
	JobNotSucceeded,
	LimitReached,
	NotFound,
	ServiceFailure,
	Unauthorized,
	WaitTimeout,
} from "../errors.ts";

export const EXIT = {
	done: 0,
	/** The service failed, or could not be reached, however often the request was repeated. */
	failed: 1,
	/** Wrong usage, or a request that the service refuses. */
	usage: 2,
	/** A job ended otherwise than succeeded. */
	jobNotSucceeded: 3,
	notAllowed: 4,
	limit: 5,
	notFound: 6,
	timeout: 124,
	interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Wrong usage, in words for the caller. */
export class UsageError extends Error {}

export function exitCodeOf(error: unknown): ExitCode {
	if (error instanceof UsageError) return EXIT.usage;
	if (error instanceof JobNotSucceeded) return EXIT.jobNotSucceeded;
	if (error instanceof WaitTimeout) return EXIT.timeout;
	if (error instanceof Unauthorized || error instanceof Forbidden) return EXIT.notAllowed;
	if (error instanceof LimitReached) return EXIT.limit;
	if (error instanceof NotFound) return EXIT.notFound;
	if (error instanceof ConnectionError || error instanceof ServiceFailure) return EXIT.failed;
	return error instanceof HoldfastError ? EXIT.usage : EXIT.failed;
}
