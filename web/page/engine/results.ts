/** What a finished run has come to. */
import type { Dataset } from "../../../datasets/dataset.ts";
import type { Backend } from "../../../engine/backend/backend.ts";
import type { Estimator, FitResult, PhaseTimes, Scores } from "../../../models/estimator.ts";
import { diagnose, type StartCuts, warningsOf } from "../../../models/evaluation/diagnostics.ts";
import { score } from "../../../models/evaluation/scoring.ts";
import { typedOptionsOf, warningFactsOf } from "../../../models/method.ts";
import { type OptionValues, renamed, wordsOf } from "../../../models/options.ts";
import { METHODS } from "../../../models/registry.ts";
import type { Outcome, TrainRequest } from "../messages.ts";

/** A run at its end. */
export interface Finished {
  /** Fitted. */
  readonly estimator: Estimator<OptionValues>;
  /** What `fit` returned. */
  readonly result: FitResult;
  /** Where. */
  readonly backend: Backend;
  /** Of training, without pauses. */
  readonly seconds: number;
  /** Where the time of its steps went. */
  readonly times: readonly PhaseTimes[];
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
    { ...warningFactsOf(method, options), startCuts },
  );
  const command = commandOf({ ...request, options }, name, backend.info.kind);
  const asShown = (text: string) => renamed(method.options, text, wordsOf);
  return { stopReason: asShown(stopReason), scores, warnings: warnings.map(asShown), command };
}

/** With every option that differs from its profile's. */
function commandOf(
  { model, profile, options }: TrainRequest,
  data: string,
  device: string,
): string {
  const flags = Object.entries(typedOptionsOf(METHODS[model], profile, options)).flat();
  const words = [
    ...data === "optdigits" ? [] : [`--data ${JSON.stringify(data)}`],
    ...model === "dynae" ? [] : [`--model ${model}`],
    ...profile === "default" ? [] : [`--profile ${profile}`],
    `--device ${device}`,
    ...flags,
  ];
  return `deno run -P cli.ts train ${words.join(" ")}`;
}

/** Rows of each cluster. */
export function sizesOf(labels: Uint32Array, clusters: number): number[] {
  const sizes = new Array<number>(clusters).fill(0);
  for (const label of labels) sizes[label]++;
  return sizes;
}
