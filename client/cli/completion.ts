/** `holdfast completion`: a script for the user's shell, made of the commands that there are. */
import type { Command } from "commander";
import { UsageError } from "./exit-codes.ts";
import type { CliSession } from "./session.ts";

/** What may follow the words of a command: subcommands and flags. */
export interface Candidates {
	/** Such as `jobs list`; empty for the program itself. */
	path: string;
	words: string[];
}

export function candidatesOf(command: Command, path: string[] = []): Candidates[] {
	const visible = command.createHelp();
	const subcommands = visible.visibleCommands(command).filter((one) => one.name() !== "help");
	const flags = [...visible.visibleOptions(command), ...visible.visibleGlobalOptions(command)];
	const words = [...subcommands.map((one) => one.name()), ...flags.map(({ long }) => long ?? "")];
	return [
		{ path: path.join(" "), words: [...new Set(words)].filter((word) => word !== "") },
		...subcommands.flatMap((one) => candidatesOf(one, [...path, one.name()])),
	];
}

export function addCompletion(program: Command, begin: () => CliSession): void {
	program
		.command("completion <shell>")
		.description('print a completion script: eval "$(holdfast completion bash)", or zsh; in fish, pipe it to source')
		.action((shell: string) => {
			const script = SCRIPTS[shell];
			if (script === undefined) throw new UsageError(`Name one of ${Object.keys(SCRIPTS).join(", ")}.`);
			begin().out.text(script(candidatesOf(program)));
		});
}

/** `word` becomes part of `line` where that makes a command. A flag's value looks like no command, or is skipped. */
const steps = (all: Candidates[]) =>
	all
		.filter(({ path }) => path !== "")
		.map(({ path }) => `"${path}"`)
		.join("|");
const cases = (all: Candidates[]) =>
	all.map(({ path, words }) => `    "${path}") words="${words.join(" ")}" ;;`).join("\n");

/** Of bash and zsh alike. */
const lookUp = (all: Candidates[]) => `    case "\${line:+$line }$word" in
      ${steps(all)}) line="\${line:+$line }$word" ;;
    esac
  done
  case "$line" in
${cases(all)}
  esac`;

const SCRIPTS: Record<string, (all: Candidates[]) => string> = {
	bash: (all) => `_holdfast() {
  local line="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
${lookUp(all)}
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _holdfast holdfast`,
	zsh: (all) => `#compdef holdfast
_holdfast() {
  local line="" word given=("\${(@)words[2,CURRENT-1]}") words=""
  for word in $given; do
${lookUp(all)}
  compadd -- \${=words}
}
compdef _holdfast holdfast`,
	fish: (all) => `function __holdfast_line
  set -l line
  for word in (commandline -opc)[2..]
    if contains -- (string join " " $line $word) ${all
			.filter(({ path }) => path !== "")
			.map(({ path }) => `"${path}"`)
			.join(" ")}
      set -a line $word
    end
  end
  string join " " $line
end
complete -c holdfast -f
${all.map(({ path, words }) => `complete -c holdfast -n 'test "$(__holdfast_line)" = "${path}"' -a "${words.join(" ")}"`).join("\n")}`,
};
