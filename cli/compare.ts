/** `compare`: models × seeds on the same data, as a table of means and deviations. */
import type { Command } from "commander";
import type { Method } from "../models/method.ts";
import type { OptionValue } from "../models/options.ts";
import { METHODS } from "../models/registry.ts";
import { usageError } from "./errors.ts";
import type { Design, Setting } from "./experiment.ts";
import {
  addExperimentOptions,
  type ExperimentCommandValues,
  experimentHelp,
  runExperiment,
  storedPlan,
} from "./experiment_command.ts";
import { addHelp } from "./help.ts";
import {
  addMethodOptions,
  addOthersOptions,
  givenOptions,
  kebabCase,
  parseOption,
  type ShownSpec,
  valueOf,
} from "./method_options.ts";
import { addRepeated } from "./repeated.ts";
import { findMethod } from "./run_plan.ts";
import { unknownName } from "./suggest.ts";

interface CompareValues extends ExperimentCommandValues {
  readonly models?: string;
  readonly set?: readonly string[];
}

/** The model that pre-trains for all. */
const PRETRAINING = "ae-kmeans";

/** See {@linkcode CommandModule}. The options of the models become options of the command. */
export async function define(command: Command, args: readonly string[]): Promise<void> {
  const stored = await storedPlan(args);
  const models = valueOf(args, "--models") ?? stored?.request.models as string | undefined;
  const isShared = args.includes("--from-same-pretraining") ||
    stored?.request.fromSamePretraining === true;
  const methods = models === undefined ? [] : methodsOf(models);
  const known = isShared ? [...new Set([...methods, findMethod(PRETRAINING)])] : methods;
  command.option("--models <name,name,…>", Object.keys(METHODS).join(", "));
  addExperimentOptions(command);
  addRepeated(
    command,
    "--set <model.option=value>",
    "an option, or the profile, of one model; as often as needed",
  );
  addMethodOptions(command, { name: "all models that have them", options: sharedOptions(known) });
  if (known.length > 0) {
    const names = known.map(({ name }) => name);
    addOthersOptions(command, names, known.flatMap(({ options }) => options));
  }
  addHelp(command, {
    details: `${experimentHelp("compare")}
With --models, help shows the models' options: on the command line for all models that have them,
with --set for one.
`,
    about: "how runs are resumed or queued",
    examples: [
      "compare --models dynae,ae-kmeans,kmeans --out runs/digits",
      `compare --models dynae,ae-kmeans --from-same-pretraining \\
    --set dynae.steps=2000 --out runs/same`,
    ],
  });
  command.action(async (values: CompareValues) => {
    await runExperiment(command, values, stored, {}, () => {
      if (methods.length === 0) throw usageError("--models says what to compare: NAME,NAME,…");
      return designOf(methods, known, values);
    });
  });
}

function methodsOf(text: string): Method[] {
  const names = text.split(",");
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw usageError(`--models names ${twice} twice`);
  return names.map(findMethod);
}

/** Every option of any of the methods but the seed, each as the first method describes it. */
function sharedOptions(methods: readonly Method[]): ShownSpec[] {
  const names = new Set(methods.flatMap(({ options }) => options.map(({ name }) => name)));
  names.delete("seed");
  return [...names].map((name) => {
    const holders = methods.filter(({ options }) => options.some((spec) => spec.name === name));
    const [spec, ...others] = holders.map(({ options }) =>
      options.find((option) => option.name === name)!
    );
    const { source: _, ...rest } = spec;
    const isEqual = others.every((other) =>
      JSON.stringify(other.default) === JSON.stringify(spec.default)
    );
    return {
      ...(isEqual ? spec : { ...rest, shownDefault: "each model's own" }),
      description: holders.length === methods.length
        ? spec.description
        : `${spec.description} (${holders.map((method) => method.name).join(", ")})`,
    };
  });
}

function designOf(
  methods: readonly Method[],
  known: readonly Method[],
  values: CompareValues,
): Design {
  const overrides = (values.set ?? []).map((text) => parseSet(text, known));
  const settingOf = (method: Method, name: string, title: string): Setting => {
    const own = overrides.filter(({ model }) => model === method.name);
    const profile = own.findLast(({ option }) => option === "profile")?.value ??
      values.profile ?? "default";
    if (!Object.hasOwn(method.profiles, String(profile))) {
      const names = Object.keys(method.profiles);
      throw usageError(
        `${unknownName(`profile of ${method.name}`, String(profile), names)}; ` +
          `--set ${method.name}.profile=NAME gives it one of its own`,
      );
    }
    const set = own.filter(({ option }) => option !== "profile");
    return {
      name,
      cells: [title, String(profile)],
      model: method.name,
      profile: String(profile),
      options: {
        ...givenOptions(method, values as unknown as Record<string, unknown>),
        ...Object.fromEntries(set.map(({ option, value }) => [option, value])),
      },
    };
  };
  const pretraining = values.fromSamePretraining
    ? settingOf(findMethod(PRETRAINING), "pretraining", `pre-training (${PRETRAINING})`)
    : undefined;
  return {
    headings: ["model", "profile"],
    settings: methods.map((method) => settingOf(method, method.name, method.name)),
    ...(pretraining && { pretraining }),
  };
}

/** `MODEL.option=value` @throws {Failure} for anything else. */
function parseSet(
  text: string,
  methods: readonly Method[],
): { model: string; option: string; value: OptionValue } {
  const [, model, flag, value] = /^([^.=]+)\.([^=]+)=(.*)$/s.exec(text) ?? [];
  if (model === undefined) {
    throw usageError(`--set takes MODEL.option=value, got ${JSON.stringify(text)}`);
  }
  const method = methods.find(({ name }) => name === model);
  if (method === undefined) {
    throw usageError(unknownName("model of --set", model, methods.map(({ name }) => name)));
  }
  if (flag === "profile") return { model, option: flag, value };
  const options = method.options.filter(({ name }) => name !== "seed");
  const spec = options.find(({ name }) => kebabCase(name) === flag);
  if (spec === undefined) {
    const names = options.map(({ name }) => kebabCase(name));
    throw usageError(unknownName(`option of ${model}`, flag, names));
  }
  return { model, option: spec.name, value: parseOption(spec, value) };
}
