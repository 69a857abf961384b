/** `compare`: models × seeds on the same data, as a table of means and deviations. */
import type { Command } from "commander";
import type { Method } from "../models/method.ts";
import type { OptionValue } from "../models/options.ts";
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
  givenOptions,
  type ShownSpec,
  valueOf,
} from "./method_options.ts";
import { checkProfile, type ModelEntry, parseModels, parseSetting, PROFILE } from "./model_list.ts";
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
  const entries = models === undefined ? [] : parseModels(models);
  const methods = [...new Set(entries.map(({ method }) => method))];
  const known = isShared ? [...new Set([...methods, findMethod(PRETRAINING)])] : methods;
  command.option(
    "--models <name,name,…>",
    `${Object.keys(METHODS).join(", ")}; NAME:option=value for one with options of its own`,
  );
  addExperimentOptions(command);
  addSharingOption(command);
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
with --set for one, and in the list itself for one entry: dynae,dynae:partition=kmeans:gamma=1. Several
data sets, separated by commas, make one table; all other options of data hold for each.
`,
    about: "how runs are resumed or queued",
    examples: [
      "compare --models dynae,ae-kmeans,kmeans --out runs/digits",
      `compare --models dynae,dynae:partition=kmeans \\
    --data usps,optdigits --steps-to 0.9 --out runs/starts`,
      `compare --models dynae,ae-kmeans --from-same-pretraining \\
    --set dynae.steps=2000 --out runs/same`,
    ],
  });
  command.action(async (values: CompareValues) => {
    await runExperiment(command, values, stored, {
      designOf() {
        if (entries.length === 0) throw usageError("--models says what to compare: NAME,NAME,…");
        return designOf(entries, known, values);
      },
    });
  });
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
  entries: readonly ModelEntry[],
  known: readonly Method[],
  values: CompareValues,
): Design {
  const overrides = (values.set ?? []).map((text) => parseSet(text, known));
  const settingOf = (
    { text, method, profile: ownProfile, options: own }: ModelEntry,
    name = text,
    title = text,
  ): Setting => {
    const set = overrides.filter(({ model }) => model === method.name);
    const profile = String(
      ownProfile ?? set.findLast(({ option }) => option === PROFILE)?.value ??
        values.profile ?? "default",
    );
    checkProfile(method, profile);
    const others = set.filter(({ option }) => option !== PROFILE);
    return {
      name: name.replace(/[^\w.,=+-]+/g, "-"),
      cells: [title, profile],
      model: method.name,
      profile,
      options: {
        ...givenOptions(method, values as unknown as Record<string, unknown>),
        ...Object.fromEntries(others.map(({ option, value }) => [option, value])),
        ...own,
      },
    };
  };
  const [pretraining] = values.fromSamePretraining ? parseModels(PRETRAINING) : [];
  return {
    headings: ["model", "profile"],
    settings: entries.map((entry) => settingOf(entry)),
    ...(pretraining && {
      pretraining: settingOf(pretraining, "pretraining", `pre-training (${PRETRAINING})`),
    }),
  };
}

/** `MODEL.option=value` @throws {Failure} for anything else. */
function parseSet(
  text: string,
  methods: readonly Method[],
): { model: string; option: string; value: OptionValue } {
  const [, model, flag, given] = /^([^.=]+)\.([^=]+)=(.*)$/s.exec(text) ?? [];
  if (model === undefined) {
    throw usageError(`--set takes MODEL.option=value, got ${JSON.stringify(text)}`);
  }
  const method = methods.find(({ name }) => name === model);
  if (method === undefined) {
    throw usageError(unknownName("model of --set", model, methods.map(({ name }) => name)));
  }
  const [option, value] = parseSetting(method, flag, given);
  return { model, option, value };
}
