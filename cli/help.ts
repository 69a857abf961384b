/** Help in two sizes: what is often needed, on one screen, and everything. */
import { type Command, Help, type Option } from "commander";
import { PROGRAM } from "./version.ts";

/** The options that are often needed, in the order of help. */
export const OFTEN: readonly string[] = [
  "data",
  "classes",
  "class-column",
  "labels-per-class",
  "models",
  "model",
  "profile",
  "over",
  "set",
  "clusters",
  "covariance",
  "prototype",
  "pretrain-steps",
  "steps",
  "seed",
  "seeds",
  "from-same-pretraining",
  "device",
  "out",
  "resume",
  "from",
  "help",
  "help-all",
];

/** The text below the options. */
export interface HelpTexts {
  /** What only `--help-all` says. */
  readonly details: string;
  /** What that is about, for the last line of the short form. */
  readonly about: string;
  /** Command lines, with which both forms end. */
  readonly examples: readonly string[];
}

/**
 * Gives a command a short `--help`, and a `--help-all` in which the other options follow by groups.
 * It comes after all options.
 */
export function addHelp(command: Command, { details, about, examples }: HelpTexts): void {
  let isShort = true;
  command
    .option("--help-all", "show all options by group")
    .on("option:help-all", () => {
      isShort = false;
      command.help();
    });
  for (const option of command.options.filter(isOften)) option.helpGroup("Options:");
  command.configureHelp({
    formatHelp(_, helper) {
      const options = helper.visibleOptions(command).sort((a, b) => rankOf(a) - rankOf(b));
      helper.visibleOptions = () => isShort ? options.filter(isOften) : options;
      return Help.prototype.formatHelp.call(helper, command, helper);
    },
  });
  command.addHelpText("after", () => {
    const lines = examples.map((example) => `  ${PROGRAM} ${example}\n`).join("");
    if (!isShort) return `${details}\nExamples:\n${lines}`;
    const rest = command.options.filter((option) => !option.hidden && !isOften(option)).length;
    return `\nExamples:\n${lines}\n--help-all: ${rest} more options, sources, ${about}.\n`;
  });
}

function isOften(option: Option): boolean {
  return OFTEN.includes(option.name());
}

function rankOf(option: Option): number {
  return isOften(option) ? OFTEN.indexOf(option.name()) : OFTEN.length;
}
