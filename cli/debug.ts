/** `--debug`: stacks of errors, what the programs of a run consist of, and where their time goes. */
import type { Command } from "commander";
import type { Backend } from "../engine/backend/backend.ts";
import { describePlan, formatPlan } from "../engine/inspect/plan.ts";
import { addTimes, formatRoofline, formatTimes } from "../engine/inspect/times.ts";
import { observePrograms, type Program } from "../engine/planner/program.ts";
import { usageError } from "./errors.ts";
import { unknownName } from "./suggest.ts";
import { writeError } from "./terminal.ts";

/** Everything that `--debug` can show. */
const TOPICS = ["stack", "plan", "time"] as const;

/** What `--debug` shall show. */
export type DebugTopics = ReadonlySet<typeof TOPICS[number]>;

const HELP = {
  stack: "show the stack of an error",
  computing: "show the stack of an error; plan: each program's calls, once it is made; time: at " +
    "the end, the time of each call, measured by the threads themselves or by the GPU's " +
    "timestamps, beside the device's measured limit; slower, with the same results; several as " +
    "plan,time",
};

/** Adds `--debug`: of a command that computes, or of one that has only errors to show. */
export function addDebugOption(command: Command, kind: keyof typeof HELP): void {
  if (command.options.some(({ long }) => long === "--debug")) return;
  const choices = kind === "stack" ? TOPICS.slice(0, 1) : TOPICS;
  command.option(`--debug [${choices.join("|")}]`, HELP[kind], (text) => parse(text, choices));
  const debug = command.options.at(-1)!;
  debug.preset("stack");
}

/** Whether the command line asks for the stack of an error. */
export function wantsStack(args: readonly string[]): boolean {
  return args.some((arg, i) => {
    if (arg.startsWith("--debug=")) return arg.slice(8).split(",").includes("stack");
    const value = args[i + 1] ?? "-";
    return arg === "--debug" && (value.startsWith("-") || value.split(",").includes("stack"));
  });
}

function parse(text: string, choices: readonly string[]): DebugTopics {
  const topics = text.split(",");
  const unknown = topics.find((topic) => !choices.includes(topic));
  if (unknown === undefined) return new Set(topics) as DebugTopics;
  throw usageError(unknownName("--debug topic", unknown, choices));
}

/** Looks at the programs of one device. */
export class Inspection {
  private readonly programs: Program[] = [];
  private readonly shown = new Set<string>();
  private readonly timed: boolean;

  /** From now on shows the plans, where they are asked for. */
  constructor(private readonly backend: Backend, topics: DebugTopics) {
    this.timed = topics.has("time");
    observePrograms(backend, (program) => {
      if (topics.has("plan")) this.show(formatPlan(describePlan(program)));
      if (this.timed) this.programs.push(program);
    });
  }

  /** Programs that are made again are the same. */
  private show(plan: string): void {
    if (!this.shown.has(plan)) writeError(`\n${plan}\n`);
    this.shown.add(plan);
  }

  /** Shows the times, where they are asked for. A device that is lost is not asked. */
  async finish(): Promise<void> {
    if (!this.timed) return;
    try {
      const measured = await Promise.all(this.programs.map(async (program) => ({
        plan: describePlan(program),
        times: await program.times(),
      })));
      const roofline = await this.backend.roofline?.();
      const limit = roofline === undefined
        ? "shares of the limit are left out: it is not measured on this device\n"
        : formatRoofline(roofline);
      const tables = addTimes(measured).map((times) => formatTimes(times, roofline));
      writeError(`\n${[...tables, limit].join("\n")}\n`);
    } catch (error) {
      writeError(`the times are lost: ${(error as Error).message}\n`);
    }
  }
}
