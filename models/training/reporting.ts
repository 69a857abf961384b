/** What the log says of labels where classes are known: scores, and feature randomness and drift. */
import type { LogRow } from "../estimator.ts";
import {
  type ComparedLosses,
  type Diagnosed,
  FeatureDiagnostics,
  type FeatureDiagnosticsOptions,
  type SampledRows,
} from "../evaluation/feature_diagnostics.ts";
import { score, scoreBySubset } from "../evaluation/scoring.ts";
import type { Fitting, Network } from "./deep_estimator.ts";

/**
 * Scores of labels [N] for a row of the log; with a mask [N], those of the rows where it is 1 and of
 * the others too.
 */
export type Report = (labels: Uint32Array, mask?: ArrayLike<number>) => Promise<LogRow>;

/**
 * Reports for the rest of a fit; undefined where no classes are known.
 * @param compared Inside `trace`: the losses of which gradients are compared.
 */
export async function reporterOf<N extends Network & Diagnosed["net"]>(
  { training, rows, net, resources }: Fitting<N>,
  options: FeatureDiagnosticsOptions & { readonly clusters: number; readonly seed: number },
  compared: (sample: SampledRows) => ComparedLosses,
): Promise<Report | undefined> {
  const { truth } = training.context;
  if (!truth) return undefined;
  const features = await FeatureDiagnostics.trace({ rows, truth, net }, options, compared);
  if (features) resources.use(features);
  return async (labels, mask) => ({
    ...mask ? scoreBySubset(truth, labels, mask) : score(truth, labels),
    ...await features?.measure(labels),
  });
}
