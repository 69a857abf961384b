/** Finds the command, loads its file alone, and turns whatever happens into an exit code. */
import type { Command } from "commander";
import { ASK } from "./completions.ts";
import { configured } from "./config.ts";
import { addDebugOption, wantsStack } from "./debug.ts";
import { EXIT, Failure } from "./errors.ts";
import { checkPaths } from "./paths.ts";
import { terminalWidth, writeError, writeOut } from "./terminal.ts";
import { VERSION } from "../storage/version.ts";
import { FETCHER, PROGRAM } from "./version.ts";

/** What a command's file exports. */
export interface CommandModule {
  /** Adds arguments, options, help and action. `args` is the whole command line. */
  define(command: Command, args: readonly string[]): void | Promise<void>;
}

interface Row {
  readonly name: string;
  readonly summary: string;
  load(): Promise<CommandModule>;
}

const COMMANDS: readonly Row[] = [
  {
    name: "train",
    summary: "cluster a data set",
    load: () => import("./train.ts"),
  },
  {
    name: "predict",
    summary: "label rows with a trained model",
    load: () => import("./predict.ts"),
  },
  {
    name: "embed",
    summary: "map rows to the codes of a trained model",
    load: () => import("./embed.ts"),
  },
  {
    name: "export",
    summary: "write a run's model or log for other programs",
    load: () => import("./export.ts"),
  },
  {
    name: "generate",
    summary: "draw images with a trained model",
    load: () => import("./generate.ts"),
  },
  {
    name: "evaluate",
    summary: "score labels against true classes",
    load: () => import("./evaluate.ts"),
  },
  {
    name: "explain",
    summary: "say what each cluster of a run is like",
    load: () => import("./explain.ts"),
  },
  {
    name: "report",
    summary: "make a page about a run, or one that compares several",
    load: () => import("./report.ts"),
  },
  {
    name: "compare",
    summary: "run several models with several seeds, and tabulate",
    load: () => import("./compare.ts"),
  },
  {
    name: "sweep",
    summary: "run a model over a grid of options, and tabulate",
    load: () => import("./sweep.ts"),
  },
  {
    name: "reproduce",
    summary: "make tables and figures of papers anew, beside the published ones",
    load: () => import("./reproduce.ts"),
  },
  {
    name: "classify",
    summary: "train a classifier on the labels of some rows",
    load: () => import("./classify.ts"),
  },
  {
    name: "segment",
    summary: "divide an image into classes",
    load: () => import("./segment.ts"),
  },
  {
    name: "serve",
    summary: "train in a browser page",
    load: () => import("./serve.ts"),
  },
  {
    name: "audit",
    summary: "check kernels and gradients on this machine",
    load: () => import("./audit.ts"),
  },
  {
    name: "data",
    summary: "list, describe and fetch data sets",
    load: () => import("./data.ts"),
  },
  {
    name: "runs",
    summary: "list, show and remove runs",
    load: () => import("./runs.ts"),
  },
  {
    name: "info",
    summary: "show the devices of this machine",
    load: () => import("./info.ts"),
  },
  {
    name: "completions",
    summary: "print a shell's completion of commands, options and values",
    load: () => import("./completions.ts"),
  },
];

/**
 * Runs the command line.
 * @param args Without the program's name.
 * @returns The exit code: 0 done, 1 failed, 2 usage, 3 audit failed, 4 no device, 130 interrupted,
 * 141 nobody read what was asked for.
 */
export async function main(args: readonly string[]): Promise<number> {
  try {
    if (args[0] === ASK) {
      const { completionsOf } = await import("./complete.ts");
      writeOut((await completionsOf(args.slice(1), programOf)).map((line) => `${line}\n`).join(""));
      return EXIT.ok;
    }
    const { program, words } = await configured(args, programOf);
    await program.parseAsync(words, { from: "user" });
    return EXIT.ok;
  } catch (error) {
    return report(error, args);
  }
}

/** All commands by name, with the options of the one that the command line names. */
async function programOf(args: readonly string[]): Promise<Command> {
  const { Command } = await import("commander");
  const program = new Command(PROGRAM)
    .description("Deep clustering whose compute kernels are hand-written WGSL.")
    .version(VERSION, "-V, --version", "show the version")
    .helpOption("-h, --help", "show help")
    .helpCommand("help [command]", "show help of a command")
    .exitOverride()
    .hook("preAction", (_, command) => checkPaths(command))
    .configureOutput({
      writeOut,
      writeErr: writeError,
      outputError: (text, write) => write(oneLine(text)),
      getOutHelpWidth: terminalWidth,
      getErrHelpWidth: terminalWidth,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText(
      "after",
      `\nExample: cluster the digits that ship with it\n  ${PROGRAM} train\n`,
    );
  const wanted = args.find((arg) => !arg.startsWith("-") && arg !== "help");
  for (const { name, summary, load } of COMMANDS) {
    const command = program.command(name).description(summary);
    if (name !== wanted) continue;
    const { define } = await load();
    await define(command, args);
    addDebug(command);
  }
  return program;
}

function addDebug(command: Command): void {
  if (command.commands.length > 0) return command.commands.forEach(addDebug);
  addDebugOption(command, "stack");
}

/** commander puts its guess on a second line. */
function oneLine(text: string): string {
  return text.replace(/\n\(Did you mean (.*)\?\)/, " (did you mean $1?)");
}

/** Says what went wrong on one line. */
function report(error: unknown, args: readonly string[]): number {
  if (!(error instanceof Error)) throw error;
  const { code, exitCode } = error as { code?: unknown; exitCode?: unknown };
  if (typeof code === "string" && code.startsWith("commander.")) {
    return exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  if (error instanceof Deno.errors.BrokenPipe) return EXIT.unread;
  if (error.message !== "") writeError(`error: ${messageOf(error, args)}\n`);
  if (wantsStack(args)) writeError(`${error.stack}\n`);
  if (error instanceof Failure) return error.exitCode;
  return error.name === "NoDeviceError" ? EXIT.noDevice : EXIT.failed;
}

function messageOf(error: Error, [command, subcommand]: readonly string[]): string {
  if (error instanceof Deno.errors.NotCapable) {
    const [what] = error.message.split(", run again");
    if (what.includes("net access")) {
      return `${what}; only ${FETCHER} data fetch may use the network`;
    }
    if (command === "data" && subcommand === "fetch") {
      return `${what}; ${FETCHER} data fetch has it`;
    }
    return what.includes("write access")
      ? `${what}: -P permits writing in the program's own folder; start it with ` +
        "-P --allow-write=FOLDER to write elsewhere"
      : `${what}; start the program with -P`;
  }
  return error.message;
}
