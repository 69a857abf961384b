/** `classify`: trains a classifier on the labels of some rows and scores it on the others. */
import type { Command } from "commander";
import type { Backend } from "../engine/backend/backend.ts";
import type { Dataset } from "../datasets/dataset.ts";
import type { Checkpoint } from "../models/estimator.ts";
import {
  drawLabels,
  heldOutAccuracy,
  SUPERVISED_CM_METHOD,
  SupervisedCM,
} from "../models/supervised_cm.ts";
import type { OptionValues } from "../models/options.ts";
import type { SupervisedCMOptions } from "../models/supervised_cm_options.ts";
import { addTrainingData, type DataValues, load, requestOf } from "./data_options.ts";
import { addDeviceOptions, close, type DeviceValues, open } from "./device_options.ts";
import { usageError } from "./errors.ts";
import { addHelp } from "./help.ts";
import { interruptible } from "./interrupt.ts";
import {
  addMethodOptions,
  checkedOptions,
  givenOptions,
  integerOption,
  profileOptions,
} from "./method_options.ts";
import { checkFile, writeOutput } from "./paths.ts";
import { classColumn, labelsCsv, shareColumn } from "../export/labels.ts";
import { formatCount, formatTable, writeError, writeJson, writeOut } from "./terminal.ts";

/** Share of each class's rows that are labelled where nothing else is asked for. */
const LABELLED_SHARE = 0.8;

interface ClassifyValues extends DataValues, DeviceValues {
  readonly profile?: string;
  readonly labelsPerClass?: number;
  readonly out?: string;
  readonly json?: boolean;
}

/** See {@linkcode CommandModule}. */
export function define(command: Command): void {
  command.option("--profile <name>", "a set of option values (default: default)");
  addTrainingData(command, "classes of the rows");
  command.optionsGroup("Device:");
  addDeviceOptions(command);
  command
    .optionsGroup("Run:")
    .option(
      "--labels-per-class <n>",
      "rows of each class whose labels are used, drawn by the seed (default: four fifths)",
      integerOption("--labels-per-class", 1),
    )
    .option(
      "-o, --out <file>",
      "CSV of every row: the predicted class, the given one, the confidence",
    )
    .option("--json", "print one JSON object");
  addMethodOptions(command, SUPERVISED_CM_METHOD);
  addHelp(command, {
    details: DETAILS,
    about: "what is trained",
    examples: [
      "classify --labels-per-class 5",
      "classify --data rows.csv --class-column last --weight 0.1",
    ],
  });
  command.action(run);
}

const DETAILS = `
${SUPERVISED_CM_METHOD.summary}.
Trains it, and for comparison the same encoder with cross-entropy alone, and scores both on the rows
whose labels were not used. Other commands never train with labels.

Profiles:
${
  Object.entries(SUPERVISED_CM_METHOD.profiles)
    .map(([name, { description }]) => `  ${name.padEnd(10)}  ${description}`).join("\n")
}
`;

async function run(values: ClassifyValues): Promise<void> {
  const { profile = "default", labelsPerClass, out, json } = values;
  const given = givenOptions(SUPERVISED_CM_METHOD, values as unknown as Record<string, unknown>);
  const modelOf = (changes: OptionValues) =>
    checkedOptions(SUPERVISED_CM_METHOD, () =>
      SUPERVISED_CM_METHOD.create({
        ...profileOptions(SUPERVISED_CM_METHOD, profile, {}),
        ...changes,
      }));
  modelOf(given);
  if (out !== undefined) await checkFile("-o", out, values.data);
  if (values.stream) throw usageError("classify needs all rows in memory; leave --stream out");
  const dataset = await load(requestOf(values));
  const { classes: truth, name } = dataset;
  if (truth === undefined) {
    throw usageError(`${name} has no classes; give --classes or --class-column`);
  }
  const clusters = truth.reduce((most, number) => Math.max(most, number + 1), 0);
  const { options } = modelOf({ clusters, ...given });
  const keep = (count: number) => labelsPerClass ?? Math.round(LABELLED_SHARE * count);
  const known = drawLabels(truth, clusters, options.seed, keep);
  const labelled = known.reduce((count, number) => count + (number >= 0 ? 1 : 0), 0);
  if (labelled === dataset.n) {
    throw usageError("every row would be labelled, and none left to score; label fewer per class");
  }
  const models = [
    ...options.weight > 0 ? [{ model: SUPERVISED_CM_METHOD.name, weight: options.weight }] : [],
    { model: "cross-entropy alone", weight: 0 },
  ];
  const results: { model: string; accuracy: number }[] = [];
  const training = new Classification(await open(values), dataset, known);
  try {
    for (const { model, weight } of models) {
      const found = await training.fit({ ...options, weight });
      results.push({ model, accuracy: heldOutAccuracy(truth, found.labels, known)! });
      if (out !== undefined && results.length === 1) {
        await writeOutput(out, new TextEncoder().encode(predictedCsv(dataset, found)));
      }
    }
  } finally {
    await training.dispose();
  }
  const heldOut = dataset.n - labelled;
  if (json) return writeJson({ data: name, seed: options.seed, labelled, heldOut, results });
  const rows = results.map(({ model, accuracy }) => [model, accuracy.toFixed(4)]);
  writeOut(`${formatTable(["", `accuracy on ${formatCount(heldOut)} rows`], rows)}\n`);
  writeError(`\n${formatCount(labelled)} of ${formatCount(dataset.n)} rows lent their class\n`);
}

/** Classes that a model predicts of rows, and how sure it is. */
interface Predicted {
  /** [n] */
  readonly labels: Uint32Array;
  /** [n, K] */
  readonly probabilities: Float32Array;
}

/** A line a row: what is predicted, by name where classes have names, what was given, how sure it is. */
function predictedCsv(dataset: Dataset, { labels, probabilities }: Predicted): string {
  const { classNames } = dataset;
  const k = probabilities.length / labels.length;
  return labelsCsv(labels, dataset, [
    ...classNames === undefined
      ? []
      : [["predicted", (i: number) => classNames[labels[i]]] as const],
    ...classColumn(dataset),
    shareColumn("confidence", (i) => probabilities[i * k + labels[i]]),
  ]);
}

/** Trainings on the same rows and known classes, from one pre-trained encoder. */
class Classification {
  private pretrained?: Checkpoint;

  constructor(
    private readonly backend: Backend,
    private readonly dataset: Dataset,
    /** [n], −1 where the class is not to be known. */
    private readonly known: Int32Array,
  ) {}

  /** The predicted class of every row, and how probable each class is. */
  async fit(options: SupervisedCMOptions): Promise<Predicted> {
    const model = new SupervisedCM(options);
    try {
      const { labels } = await interruptible((context) =>
        model.fit(this.dataset, this.known, {
          ...context,
          backend: this.backend,
          ...(this.pretrained ? { pretrained: this.pretrained } : {}),
          // deno-lint-ignore require-await
          savePretrained: async (checkpoint) => void (this.pretrained = checkpoint),
        })
      );
      return { labels, probabilities: await model.predictProba(this.dataset) };
    } finally {
      await model.dispose();
    }
  }

  dispose(): Promise<void> {
    return close(this.backend);
  }
}
