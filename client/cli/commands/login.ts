/** `holdfast login`, `logout`, `whoami` and `profiles`. */
import type { Command } from "commander";
import { UsageError } from "../exit-codes.ts";
import type { CliSession, SharedFlags } from "../session.ts";

export function addLogin(program: Command, begin: () => CliSession): void {
	program
		.command("login")
		.description("store an API key, which is read from stdin, as a profile")
		.action(async () => {
			const session = begin();
			const { url, name } = session.profiles.target(program.opts<SharedFlags>());
			const key = (await session.surroundings.readStdin()).trim();
			if (key === "") throw new UsageError("Send the API key on stdin: `holdfast login < key.txt`.");
			const { tenant } = await session.client(url, key).session();
			session.profiles.save(name, { url, key });
			session.out.note(`Signed in to ${tenant.name} at ${url}, as the profile ${name}.`);
		});
	program
		.command("logout")
		.description("forget the key of a profile")
		.action(() => {
			const session = begin();
			const { name } = session.profiles.target(program.opts<SharedFlags>());
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
	profiles.action(() => {
		const session = begin();
		for (const profile of session.profiles.list()) session.out.object(profile);
	});
	profiles
		.command("use <name>")
		.description("use a profile from now on")
		.action((name: string) => {
			if (!begin().profiles.use(name)) throw new UsageError(`There is no profile ${name}.`);
		});
}
