/** What a finished run has come to: for the page, and as files. */
import type { Dataset } from "../../../datasets/dataset.ts";
import type { Backend } from "../../../engine/backend/backend.ts";
import { classColumn, labelsCsv, shareColumn } from "../../../export/labels.ts";
import type { Estimator, FitResult, Scores } from "../../../models/estimator.ts";
import { certaintyOf } from "../../../models/evaluation/certainty.ts";
import { diagnose, type StartCuts, warningsOf } from "../../../models/evaluation/diagnostics.ts";
import { score } from "../../../models/evaluation/scoring.ts";
import { kebabCase, type OptionValue, type OptionValues } from "../../../models/options.ts";
import { METHODS } from "../../../models/registry.ts";
import { recordOf } from "../../../storage/checkpoint.ts";
import { encodeModel } from "../../../storage/model.ts";
import { VERSION } from "../../../storage/version.ts";
import type { Answer, Download, Outcome, TrainRequest } from "../messages.ts";

/** A run at its end. */
export interface Finished {
  /** Fitted. */
  readonly estimator: Estimator<OptionValues>;
  /** What `fit` returned. */
  readonly result: FitResult;
  /** Where. */
  readonly backend: Backend;
  /** See `startCutsOf`. */
  readonly startCuts: StartCuts | null;
}

/** Scores, warnings, and the command that repeats the run. */
export function outcomeOf(
  request: TrainRequest,
  { classes, name }: Dataset,
  { estimator, result, backend, startCuts }: Finished,
): Outcome {
  const { stopReason, partitions, labels } = result;
  const { options } = estimator;
  const method = METHODS[request.model];
  const scores: [string, Scores][] = classes === undefined
    ? []
    : [...Object.entries(partitions), [request.model, labels] as const]
      .map(([name, labels]) => [name, score(classes, labels)]);
  const warnings = warningsOf(
    diagnose(result, Number(options.clusters), Number(options.seed ?? 0)),
    {
      clustersRows: method.clustersRows ?? false,
      pretrains: method.pretraining?.isUsed(options) ?? false,
      options: method.options.map(({ name }) => name),
      startCuts,
      ...method.againstCollapse !== undefined && { againstCollapse: method.againstCollapse },
    },
  );
  const command = commandOf({ ...request, options }, name, backend.info.kind);
  return { stopReason, scores, warnings, command };
}

/** With every option that differs from its profile's. */
function commandOf(
  { model, profile, options }: TrainRequest,
  data: string,
  device: string,
): string {
  const { options: specs, profiles } = METHODS[model];
  const flags = specs.flatMap(({ name, default: usual }) => {
    const unasked = profiles[profile].values[name] ?? usual;
    if (JSON.stringify(options[name]) === JSON.stringify(unasked)) return [];
    return [`--${kebabCase(name)} ${textOf(options[name])}`];
  });
  const words = [
    ...data === "optdigits" ? [] : [`--data ${JSON.stringify(data)}`],
    ...model === "dynae" ? [] : [`--model ${model}`],
    ...profile === "default" ? [] : [`--profile ${profile}`],
    `--device ${device}`,
    ...flags,
  ];
  return `deno run -P cli.ts train ${words.join(" ")}`;
}

function textOf(value: OptionValue): string {
  return Array.isArray(value) ? value.join(",") : String(value);
}

/** The bytes of a file, with its name and type. */
export async function fileOf(
  file: Download,
  request: TrainRequest,
  dataset: Dataset,
  finished: Finished,
): Promise<Omit<Extract<Answer, { kind: "file" }>, "kind">> {
  const { estimator, result, backend } = finished;
  const text = (text: string) => new TextEncoder().encode(text);
  switch (file) {
    case "model":
      return {
        name: `${estimator.name}-${dataset.name.replace(/[^\w.-]+/g, "_")}.safetensors`,
        type: "application/octet-stream",
        bytes: await encodeModel(estimator, dataset),
      };
    case "labels": {
      const isSoft = METHODS[estimator.name].softAssignment !== undefined;
      const { name, values } = await certaintyOf(estimator, isSoft, dataset, result, backend);
      const columns = [...classColumn(dataset), shareColumn(name, (i) => values[i])];
      return {
        name: "labels.csv",
        type: "text/csv",
        bytes: text(labelsCsv(result.labels, dataset, columns)),
      };
    }
    case "summary": {
      const { model, profile } = request;
      const { stopReason: _, ...outcome } = outcomeOf(request, dataset, finished);
      const summary = {
        program: `dynae ${VERSION}`,
        configuration: { model, profile, options: estimator.options },
        data: recordOf(dataset),
        device: backend.info,
        stopReason: result.stopReason,
        steps: result.nIter,
        ...outcome,
        scores: Object.fromEntries(outcome.scores),
        clusterSizes: sizesOf(result.labels, Number(estimator.options.clusters)),
        history: result.history,
      };
      return {
        name: "summary.json",
        type: "application/json",
        bytes: text(`${JSON.stringify(summary, null, 2)}\n`),
      };
    }
  }
}

function sizesOf(labels: Uint32Array, clusters: number): number[] {
  const sizes = new Array<number>(clusters).fill(0);
  for (const label of labels) sizes[label]++;
  return sizes;
}
