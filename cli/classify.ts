/** `classify`: trains a classifier on the labels of some rows and scores it on the others. */
import type { Command } from "commander";
import type { Backend } from "../engine/backend/backend.ts";
import { classCounts, UNKNOWN_CLASS } from "../datasets/classes.ts";
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
import { checkFile, isOf, writeOutput } from "./paths.ts";
import { classColumn, labelsCsv, shareColumn } from "../export/labels.ts";
import { formatCount, formatTable, writeError, writeJson, writeOut } from "./terminal.ts";

/** Share of each class's rows that are labelled where nothing else is asked for. */
const LABELLED_SHARE = 0.8;

interface ClassifyValues extends DataValues, DeviceValues {
  readonly profile?: string;
  readonly unlabelled?: string;
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
      "--unlabelled <class>",
      "the class of the rows whose class is not known, such as -1 (default: ?, NA and NaN)",
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
  if (out !== undefined) {
    if (!/\.(csv|txt)$/i.test(out)) throw usageError(`-o takes a file named *.csv, got ${out}`);
    await checkFile("-o", out, values.data);
    if (values.classes && await isOf(out, values.classes)) {
      throw usageError(`-o ${out}: it is the file that --classes names; name another`);
    }
  }
  if (values.stream) throw usageError("classify needs all rows in memory; leave --stream out");
  const dataset = await load(requestOf(values));
  const { name } = dataset;
  const { numbers, truth } = classesToLearn(dataset, values.unlabelled);
  const { options } = modelOf({ clusters: numbers.length, ...given });
  const keep = (count: number) => labelsPerClass ?? Math.round(LABELLED_SHARE * count);
  const known = drawLabels(truth, numbers.length, options.seed, keep);
  const [ofKnownClass, labelled] = [truth, known].map((all) => all.filter((x) => x >= 0).length);
  if (labelled === ofKnownClass) {
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
        const labels = found.labels.map((label) => numbers[label]);
        await writeOutput(out, new TextEncoder().encode(predictedCsv(dataset, found, labels)));
      }
    }
  } finally {
    await training.dispose();
  }
  const heldOut = ofKnownClass - labelled;
  if (json) return writeJson({ data: name, seed: options.seed, labelled, heldOut, results });
  const rows = results.map(({ model, accuracy }) => [model, accuracy.toFixed(4)]);
  writeOut(`${formatTable(["", `accuracy on ${formatCount(heldOut)} rows`], rows)}\n`);
  writeError(`\n${formatCount(labelled)} of ${formatCount(dataset.n)} rows lent their class\n`);
}

/** Classes in the order of their numbers, as the classifier knows them. */
interface LearntClasses {
  /** [K] the numbers that the data give them. */
  readonly numbers: readonly number[];
  /** [n] which of them, −1 where a row's class is not known. */
  readonly truth: Int32Array;
}

/**
 * The classes of the data, those of rows whose class is not known left out; what is taken for such is
 * told.
 * @param mark The class that says so, where it is not one of the usual marks.
 * @throws {Failure} where there are none, or no such mark.
 */
function classesToLearn(
  { name, classes, classNames }: Dataset,
  mark: string | undefined,
): LearntClasses {
  if (classes === undefined) {
    throw usageError(`${name} has no classes; give --classes or --class-column`);
  }
  const nameOf = (number: number) => classNames?.[number] ?? String(number);
  const counts = classCounts(classes);
  const isMark = (number: number) =>
    mark === undefined ? UNKNOWN_CLASS.test(nameOf(number)) : nameOf(number) === mark;
  const all = [...counts.keys()];
  const marks = all.filter(isMark);
  const numbers = all.filter((number) => !isMark(number));
  if (mark !== undefined && marks.length === 0) {
    const some = numbers.slice(0, 10).map(nameOf).join(", ");
    throw usageError(`--unlabelled ${mark}: ${name} has no such class; it has ${some}`);
  }
  for (const number of marks) {
    const rows = formatCount(counts.get(number)!);
    writeError(`note: the class of ${rows} rows is ${nameOf(number)}: taken as not known\n`);
  }
  const placeOf = new Map(numbers.map((number, place) => [number, place]));
  return { numbers, truth: Int32Array.from(classes, (number) => placeOf.get(number) ?? -1) };
}

/** Classes that a model predicts of rows, and how sure it is. */
interface Predicted {
  /** [n] */
  readonly labels: Uint32Array;
  /** [n, K] */
  readonly probabilities: Float32Array;
}

/**
 * A line a row: what is predicted, by name where classes have names, what was given, how sure it is.
 * @param labels The numbers that the data give the predicted classes, [n].
 */
function predictedCsv(
  dataset: Dataset,
  { labels: places, probabilities }: Predicted,
  labels: Uint32Array,
): string {
  const { classNames } = dataset;
  const k = probabilities.length / labels.length;
  return labelsCsv(labels, dataset, [
    ...classNames === undefined
      ? []
      : [["predicted", (i: number) => classNames[labels[i]]] as const],
    ...classColumn(dataset),
    shareColumn("confidence", (i) => probabilities[i * k + places[i]]),
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
