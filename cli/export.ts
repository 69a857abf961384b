/** `export`: a run's model or log for other programs. */
import { type Command, Option } from "commander";
import { metricsTable } from "../export/metrics.ts";
import { encodeOnnx, type OnnxPart } from "../export/onnx/model.ts";
import { encodeCsv } from "../export/tables.ts";
import { encodeEvents } from "../export/tensorboard.ts";
import type { Estimator, LogRow } from "../models/estimator.ts";
import { encodeCheckpoint } from "../storage/checkpoint.ts";
import { VERSION } from "../storage/version.ts";
import { addDeviceOptions, type DeviceValues } from "./device_options.ts";
import { usageError } from "./errors.ts";
import { checkFile, checkNotData } from "./paths.ts";
import { type OutputName, RunFolder } from "./run_folder.ts";
import { writeOut } from "./terminal.ts";
import { output, type StoredRun, withEstimator } from "./trained_model.ts";
import { PROGRAM } from "./version.ts";

interface Values extends DeviceValues {
  readonly format: Format;
  readonly part?: OnnxPart;
  readonly output?: string;
}

/** A file to write: what it is called, and what it holds. */
interface Exported {
  readonly name: OutputName;
  readonly content: string | Uint8Array;
}

/** What is made of a model. */
const OF_MODELS = {
  async onnx(model: Estimator, { record }: StoredRun, part: OnnxPart): Promise<Exported> {
    const { scaling, schema } = record.data;
    const content = await encodeOnnx(model, part, { scaling, schema, version: VERSION });
    return { name: `${part}.onnx`, content };
  },
  async safetensors(model: Estimator, { manifest }: StoredRun): Promise<Exported> {
    const checkpoint = await model.checkpoint();
    return { name: "model.safetensors", content: await encodeCheckpoint({ checkpoint, manifest }) };
  },
};

/** What is made of a log. */
const OF_LOGS = {
  jsonl: (rows: readonly LogRow[]): Exported => {
    const lines = rows.map((row) => `${JSON.stringify(row)}\n`);
    return { name: "log.jsonl", content: lines.join("") };
  },
  csv: (rows: readonly LogRow[]): Exported => {
    return { name: "metrics.csv", content: encodeCsv(metricsTable(rows)) };
  },
  tensorboard: (rows: readonly LogRow[]): Exported => {
    return { name: "events.out.tfevents.dynae", content: encodeEvents(rows) };
  },
};

type Format = keyof typeof OF_MODELS | keyof typeof OF_LOGS;

/** See {@linkcode CommandModule}. */
export function define(command: Command): void {
  const formats = [...Object.keys(OF_MODELS), ...Object.keys(OF_LOGS)];
  const parts: readonly OnnxPart[] = ["clusters", "encoder", "autoencoder"];
  command
    .argument("<run>", "folder of the run")
    .addOption(
      new Option(
        "--format <name>",
        "onnx or safetensors: the model; jsonl, csv or tensorboard: the log",
      ).choices(formats).makeOptionMandatory(),
    )
    .addOption(
      new Option("--part <name>", "of the model, for onnx (default: clusters)").choices(parts),
    )
    .option("-o, --output <file>", "where to; - prints text (default: a file in the run's folder)");
  addDeviceOptions(command);
  command.addHelpText(
    "after",
    `
ONNX files (opset 17) take raw rows, as predict does: scaling is part of them.

Example:
  ${PROGRAM} export runs/dynae-optdigits-seed0 --format onnx
`,
  );
  command.action(exportRun);
}

async function exportRun(run: string, values: Values): Promise<void> {
  const { format, part = "clusters" } = values;
  if (values.part !== undefined && format !== "onnx") {
    throw usageError(`--part is for --format onnx, not for ${format}`);
  }
  if (values.output !== undefined) await checkFile("-o", values.output);
  const { folder, record } = await RunFolder.open(run);
  if (values.output !== undefined) {
    await checkNotData("-o", values.output, folder.path, record.data.request);
  }
  const { name, content } = isOfModel(format)
    ? await withEstimator(
      { ...values, run },
      (model, stored) => OF_MODELS[format](model, stored, part),
    )
    : OF_LOGS[format](await logOf(folder));
  if (values.output === "-") {
    if (typeof content === "string") return await output(undefined, content);
    throw usageError(`-o -: ${format} is no text; name a file`);
  }
  const file = values.output ?? folder.file(name);
  await output(file, content);
  writeOut(`${file}\n`);
}

function isOfModel(format: Format): format is keyof typeof OF_MODELS {
  return Object.hasOwn(OF_MODELS, format);
}

/** The rows of a run's log. @throws {Failure} where it has none yet. */
async function logOf(folder: RunFolder): Promise<LogRow[]> {
  const rows = await folder.readMetrics();
  if (rows === undefined) throw usageError(`${folder.path} has no log yet; train it first`);
  return rows;
}
