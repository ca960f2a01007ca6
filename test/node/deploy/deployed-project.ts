/** A copy of the project as a fresh clone has it, with a home, a temporary folder and a stand-in account of its own. */
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { API_TOKEN, LOGIN_TOKEN, type StandIn, startStandIn } from "./cloudflare-stand-in.ts";

const ROOT = join(import.meta.dirname, "../../..");
const COPIED = [
	...["scripts", "shared", "workers", "client", "dashboard", "migrations"],
	...["package.json", "package-lock.json", "tsconfig.json", "wrangler.toml"],
];

export type Run = { code: number | null; output: string };

export class DeployedProject {
	readonly standIn: StandIn;
	readonly folder: string;
	readonly #place: string;
	#child: ReturnType<typeof spawn> | null = null;
	/** All that any run printed. */
	output = "";

	private constructor(standIn: StandIn, place: string) {
		this.standIn = standIn;
		this.#place = place;
		this.folder = join(place, "project");
	}

	static async create(): Promise<DeployedProject> {
		const place = mkdtempSync(join(tmpdir(), "holdfast-deploy-"));
		const project = new DeployedProject(await startStandIn(), place);
		for (const name of ["project", "home", "tmp"]) mkdirSync(join(place, name));
		for (const name of COPIED) cpSync(join(ROOT, name), join(project.folder, name), { recursive: true });
		symlinkSync(join(ROOT, "node_modules"), join(project.folder, "node_modules"));
		return project;
	}

	/** `npm run deploy -- <args>`, with no login or setting of this machine. */
	async deploy(args: string[] = [], environment: Record<string, string> = {}): Promise<Run> {
		const preload = pathToFileURL(join(import.meta.dirname, "reach-workers-dev.ts")).href;
		const child = spawn(process.execPath, ["--import", preload, "scripts/deploy.ts", ...args], {
			cwd: this.folder,
			env: { ...this.#environment(), ...environment },
			stdio: ["ignore", "pipe", "pipe"],
		});
		this.#child = child;
		const exit = new Promise<number | null>((resolve) => child.on("close", resolve));
		const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
		this.output += stdout + stderr;
		return { code, output: stdout + stderr };
	}

	#environment(): NodeJS.ProcessEnv {
		const inherited = { ...process.env };
		for (const name of Object.keys(inherited)) {
			if (/^(CI|CLOUDFLARE_|CF_|WRANGLER_|XDG_|ADMIN_TOKEN|SIGNING_KEY|https?_proxy)/i.test(name))
				delete inherited[name];
		}
		return {
			...inherited,
			HOME: join(this.#place, "home"),
			XDG_CONFIG_HOME: join(this.#place, "home/.config"),
			TMPDIR: join(this.#place, "tmp"),
			// Wrangler is 15 MB of source: compiled once for all runs.
			NODE_COMPILE_CACHE: join(ROOT, "node_modules/.cache/compile"),
			CLOUDFLARE_API_BASE_URL: this.standIn.apiUrl,
			CLOUDFLARE_API_TOKEN: API_TOKEN,
			STAND_IN_PORT: String(this.standIn.port),
		};
	}

	/** As `wrangler login` leaves it. */
	logIn(): void {
		const folder = join(this.#place, "home/.config/.wrangler/config");
		mkdirSync(folder, { recursive: true });
		writeFileSync(
			join(folder, "default.toml"),
			`oauth_token = "${LOGIN_TOKEN}"\nexpiration_time = "2999-01-01T00:00:00.000Z"\nrefresh_token = "none"\nscopes = []\n`,
		);
	}

	/** Ctrl-C in the moment of `change`, whose answer never arrives. */
	interruptAt(change: RegExp): void {
		this.standIn.state.onChange = (made) => {
			if (!change.test(made)) return;
			this.standIn.state.isCutOff = true;
			this.#child?.kill("SIGINT");
		};
	}

	reconnect(): void {
		this.standIn.state.onChange = () => undefined;
		this.standIn.state.isCutOff = false;
	}

	/** The files that contain `secret`, of the project and of what runs left behind. */
	filesWith(secret: string): string[] {
		return filesIn(this.#place).filter((path) => readFileSync(path).includes(secret));
	}

	/** What the runs' own folder still holds. */
	leftovers(): string[] {
		return readdirSync(join(this.folder, ".wrangler")).filter((name) => name.startsWith("deploy-"));
	}

	async remove(): Promise<void> {
		// After a test that failed in the middle of a run. Wrangler ends with it.
		this.#child?.kill("SIGKILL");
		await this.standIn.stop();
		rmSync(this.#place, { recursive: true, force: true });
	}
}

/** Links are not followed: the packages are this machine's own. */
function filesIn(folder: string): string[] {
	return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
		const path = join(folder, entry.name);
		if (entry.isDirectory()) return filesIn(path);
		return entry.isFile() ? [path] : [];
	});
}
