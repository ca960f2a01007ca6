/** The names under which this service answers: no webhook may go there, lest it become its own caller. */

/** Every Worker of an account has a name under `<account>.workers.dev`: versions of this one, and its neighbours. */
const WORKERS_DEV_ACCOUNT = /[^.]+\.workers\.dev$/;

/** @param urls where the service is known to be reached, such as PUBLIC_URL and a job's origin; null: not known */
export function ownHosts(...urls: (string | null)[]): string[] {
	return urls.flatMap((url) => {
		const host = url === null ? undefined : URL.parse(url)?.hostname;
		return host === undefined ? [] : [WORKERS_DEV_ACCOUNT.exec(host)?.[0] ?? host];
	});
}
