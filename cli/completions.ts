/** `completions`: what makes a shell ask this program how its command line may go on. */
import { Argument, type Command } from "commander";
import { writeOut } from "./terminal.ts";
import { PROGRAM } from "./version.ts";

/** The word before a command line that is to be completed; see `complete.ts`. */
export const ASK = "__complete";

/** The command that is completed. */
const NAME = "dynae";

/**
 * What each shell runs at its start. A line of the answer is a word, a tab and what it is for; `:files`
 * and `:folders` stand for paths.
 */
const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `_${NAME}() {
  local word what current=\${COMP_WORDS[COMP_CWORD]}
  [ "$current" = = ] && current=
  COMPREPLY=()
  while IFS=$'\\t' read -r word what; do
    case $word in
      :files) compopt -o filenames; mapfile -t -O \${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$current") ;;
      :folders) compopt -o filenames; mapfile -t -O \${#COMPREPLY[@]} COMPREPLY < <(compgen -d -- "$current") ;;
      *) COMPREPLY+=("$word"); [[ $word == *= || $word == *. ]] && compopt -o nospace ;;
    esac
  done < <(${NAME} ${ASK} "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _${NAME} ${NAME}
`,
  zsh: `#compdef ${NAME}
_${NAME}() {
  local line word
  local -a options
  for line in "\${(@f)$(${NAME} ${ASK} "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    word=\${line%%$'\\t'*}
    case $word in
      '') ;;
      :files) _files ;;
      :folders) _files -/ ;;
      *) options+=("\${word//:/\\\\:}:\${line#*$'\\t'}") ;;
    esac
  done
  (( $#options )) && _describe -o '${NAME}' options
}
compdef _${NAME} ${NAME}
`,
  fish: `function __${NAME}_complete
  set -l current (commandline -ct)
  for line in (${NAME} ${ASK} (commandline -opc)[2..] "$current" 2>/dev/null)
    switch $line
      case ':files*'
        __fish_complete_path "$current"
      case ':folders*'
        __fish_complete_directories "$current" ''
      case '*'
        echo $line
    end
  end
end
complete -c ${NAME} -f -a '(__${NAME}_complete)'
`,
};

/** See {@linkcode CommandModule}. */
export function define(command: Command): void {
  command
    .addArgument(new Argument("<shell>", "whose").choices(Object.keys(SCRIPTS)))
    .addHelpText(
      "after",
      `
Completes the command ${NAME}, as it is installed. One line each, for ~/.bashrc, ~/.zshrc (after
compinit) and ~/.config/fish/config.fish:
  source <(${NAME} completions bash)
  source <(${NAME} completions zsh)
  ${NAME} completions fish | source

Example:
  ${PROGRAM} completions bash
`,
    )
    .action((shell: string) => writeOut(SCRIPTS[shell]));
}
