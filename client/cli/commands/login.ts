/** `holdfast login`, `logout`, `whoami` and `profiles`. */
import type { Command } from "commander";
import { UsageError } from "../exit-codes.ts";
import type { Column } from "../output.ts";
import type { CliSession } from "../session.ts";

const PROFILES: Column<{ name: string; url: string; in_use: boolean }>[] = [
	{ title: "NAME", of: ({ name }) => name },
	{ title: "URL", of: ({ url }) => url },
	{ title: "IN USE", of: ({ in_use }) => (in_use ? "yes" : "") },
];

export function addLogin(program: Command, begin: () => CliSession): void {
	program
		.command("login")
		.description("store an API key as a profile; it is read from stdin, or asked for on a terminal")
		.action(async () => {
			const session = begin();
			const { url, name } = session.profiles.loginTarget(session.flags);
			const key = (await keyFor(session, url)).trim();
			if (key === "") throw new UsageError("Send the API key on stdin: `holdfast login < key.txt`.");
			const { tenant } = await session.client({ url, key }).session();
			session.profiles.save(name, { url, key });
			session.out.note(`Signed in to ${tenant.name} at ${url}, as the profile ${name}.`);
		});
	program
		.command("logout")
		.description("forget the key of a profile")
		.action(() => {
			const session = begin();
			const { name } = session.profiles.target(session.flags);
			if (!session.profiles.remove(name)) throw new UsageError(`There is no profile ${name}.`);
		});
	program
		.command("whoami")
		.description("the tenant and the scopes of the API key")
		.action(async () => {
			const session = begin();
			session.out.object(await session.connect().session());
		});
	const profiles = program.command("profiles").description("list the profiles");
	profiles.action(async () => {
		const session = begin();
		await session.out.rows(session.profiles.list(), PROFILES);
	});
	profiles
		.command("use <name>")
		.description("use a profile from now on")
		.action((name: string) => {
			if (!begin().profiles.use(name)) throw new UsageError(`There is no profile ${name}.`);
		});
}

async function keyFor(session: CliSession, url: string): Promise<string> {
	const { readLine } = session.surroundings;
	if (readLine === null) return await session.readStdinText();
	session.stderr.write(`API key for ${url}: `);
	return await readLine(true);
}
