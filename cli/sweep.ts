/** `sweep`: one model over a grid of options, as a table of means and deviations. */
import type { Command } from "commander";
import { ARCHITECTURE_OPTIONS } from "../models/networks/autoencoder.ts";
import type { Method } from "../models/method.ts";
import type { OptionValue } from "../models/options.ts";
import { PRETRAINING_OPTIONS } from "../models/training/pretraining_options.ts";
import { METHODS } from "../models/registry.ts";
import { usageError } from "./errors.ts";
import type { Design, Setting } from "./experiment.ts";
import {
  addExperimentOptions,
  addSharingOption,
  type ExperimentCommandValues,
  experimentHelp,
  runExperiment,
  storedPlan,
} from "./experiment_command.ts";
import { addHelp } from "./help.ts";
import {
  addMethodOptions,
  addOthersOptions,
  estimatorOf,
  givenOptions,
  kebabCase,
  parseOption,
  valueOf,
} from "./method_options.ts";
import { addRepeated } from "./repeated.ts";
import { findMethod } from "./run_plan.ts";
import { unknownName } from "./suggest.ts";

interface SweepValues extends ExperimentCommandValues {
  readonly model?: string;
  readonly over?: readonly string[];
}

/** An option with the values that it shall take. */
interface Axis {
  readonly option: string;
  readonly values: readonly OptionValue[];
}

/** See {@linkcode CommandModule}. The options of the model become options of the command. */
export async function define(command: Command, args: readonly string[]): Promise<void> {
  const stored = await storedPlan(args);
  const model = valueOf(args, "--model") ?? stored?.request.model as string | undefined ?? "dynae";
  const method = findMethod(model);
  const options = method.options.filter(({ name }) => name !== "seed");
  command.option("--model <name>", `${Object.keys(METHODS).join(", ")} (default: dynae)`);
  addRepeated(
    command,
    "--over <option=v,v,…>",
    "values in turn, or first:last; lists separated by /; several options: every combination",
  );
  addExperimentOptions(command);
  addSharingOption(command);
  addMethodOptions(command, { name: method.name, options });
  addOthersOptions(command, [method.name], method.options);
  addHelp(command, {
    details: experimentHelp("sweep"),
    about: "how runs are resumed or queued",
    examples: [
      `sweep --over gamma=1,10,100 --over kappa=0.2,0.3 \\
    --seeds 3 --out runs/gamma`,
      `sweep --model kmeans --data rows.csv --class-column last \\
    --over clusters=2:12 --out runs/k`,
      `sweep --model ae-kmeans --over hidden=64,64/256,256,512 \\
    --out runs/hidden`,
    ],
  });
  command.action(async (values: SweepValues) => {
    const defaults = { model: method.name };
    await runExperiment(command, values, stored, {
      defaults,
      designOf: () => designOf(method, values),
    });
  });
}

function designOf(method: Method, values: SweepValues): Design {
  const { over = [], profile = "default", fromSamePretraining } = values;
  if (over.length === 0) throw usageError("--over says what to vary: option=value,value,…");
  const axes = over.map((text) => parseAxis(text, method));
  const twice = axes.find(({ option }, i) => axes.findIndex((a) => a.option === option) < i);
  if (twice !== undefined) throw usageError(`--over names ${kebabCase(twice.option)} twice`);
  const given = givenOptions(method, values as unknown as Record<string, unknown>);
  const both = axes.find(({ option }) => Object.hasOwn(given, option));
  if (both !== undefined) {
    throw usageError(`--over and --${kebabCase(both.option)} exclude each other`);
  }
  const settings = gridOf(axes).map((point): Setting => {
    const parts = axes.map(({ option }, i) => `${kebabCase(option)}=${point[i]}`);
    return {
      name: [method.name, ...parts].join("-").replace(/[^\w.,=+-]+/g, "_"),
      cells: point.map(String),
      model: method.name,
      profile,
      options: { ...given, ...Object.fromEntries(axes.map(({ option }, i) => [option, point[i]])) },
    };
  });
  return {
    headings: axes.map(({ option }) => kebabCase(option)),
    settings,
    ...(fromSamePretraining && { pretraining: pretrainingOf(method, profile, given, axes.length) }),
  };
}

/** Every combination; the last axis turns fastest. */
function gridOf(axes: readonly Axis[]): OptionValue[][] {
  return axes.reduce<OptionValue[][]>(
    (points, { values }) => points.flatMap((point) => values.map((value) => [...point, value])),
    [[]],
  );
}

/** The pre-training that the model itself would do, as a run of ae-kmeans. */
function pretrainingOf(
  method: Method,
  profile: string,
  given: Readonly<Record<string, OptionValue>>,
  columns: number,
): Setting {
  if (!method.pretraining) {
    throw usageError(`--from-same-pretraining: ${method.name} has no pre-training`);
  }
  const resolved = estimatorOf(method, profile, given).options;
  const names = Object.keys({ ...ARCHITECTURE_OPTIONS, ...PRETRAINING_OPTIONS });
  const copied = names.filter((name) =>
    Object.hasOwn(resolved, name) && name !== "seed" &&
    (name !== "clusters" || given.clusters !== undefined)
  );
  return {
    name: "pretraining",
    cells: Array.from({ length: columns }, (_, i) => i === 0 ? "pre-training (ae-kmeans)" : ""),
    model: "ae-kmeans",
    profile: "default",
    options: Object.fromEntries(copied.map((name) => [name, resolved[name]])),
  };
}

/** Most values of a range. */
const RANGE = 1000;

/** `first:last` or `first:last:step`, both ends included; anything else stands for itself. */
function rangeOf(text: string): string[] {
  const [, first, last, step = "1"] = /^(\d+):(\d+)(?::(\d+))?$/.exec(text) ?? [];
  if (first === undefined) return [text];
  const count = Math.floor((Number(last) - Number(first)) / Number(step)) + 1;
  if (count >= 1 && count <= RANGE) {
    return Array.from({ length: count }, (_, i) => String(Number(first) + i * Number(step)));
  }
  throw usageError(
    `--over takes first:last or first:last:step of 1 to ${RANGE} values, got ${text}`,
  );
}

/** `option=value,value,…` @throws {Failure} for anything else, and for a value that comes twice. */
function parseAxis(text: string, method: Method): Axis {
  const [, flag, list] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (flag === undefined) {
    throw usageError(`--over takes option=value,value,…, got ${JSON.stringify(text)}`);
  }
  const options = method.options.filter(({ name }) => name !== "seed");
  const spec = options.find(({ name }) => kebabCase(name) === flag);
  if (spec === undefined) {
    const names = options.map(({ name }) => kebabCase(name));
    throw usageError(unknownName(`option of ${method.name}`, flag, names));
  }
  const separator = spec.type === "integers" ? "/" : ",";
  const parts = spec.type === "integer" ? list.split(",").flatMap(rangeOf) : list.split(separator);
  const values = parts.map((value) => parseOption(spec, value));
  const texts = values.map(String);
  const twice = texts.find((value, i) => texts.indexOf(value) < i);
  if (twice !== undefined) throw usageError(`--over ${flag} names ${twice} twice`);
  return { option: spec.name, values };
}
