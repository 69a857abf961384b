/** The report of a run in the page: the page that `report` makes of a folder. */
import type { Dataset } from "../../../datasets/dataset.ts";
import { describeScaling } from "../../../datasets/scaling.ts";
import { formatCount, formatDuration } from "../../../engine/inspect/text.ts";
import { certaintyOf } from "../../../models/evaluation/certainty.ts";
import { diagnose } from "../../../models/evaluation/diagnostics.ts";
import { typedOptionsOf } from "../../../models/method.ts";
import { METHODS } from "../../../models/registry.ts";
import { criteriaTexts } from "../../../report/criteria.ts";
import { detailsOf } from "../../../report/details.ts";
import { centroidStrip, rangeOf } from "../../../report/image_grid.ts";
import type { RunRows } from "../../../report/rows.ts";
import { endText } from "../../../report/run.ts";
import { runReport } from "../../../report/run_report.ts";
import { VERSION } from "../../../storage/version.ts";
import type { TrainRequest } from "../messages.ts";
import { type Finished, outcomeOf, sizesOf } from "./results.ts";

/** HTML that stands on its own. */
export async function reportOf(
  request: TrainRequest,
  dataset: Dataset,
  finished: Finished,
): Promise<string> {
  const { estimator, result, backend, seconds, times, startCuts } = finished;
  const { model } = request;
  const { options } = estimator;
  const [clusters, seed] = [Number(options.clusters), Number(options.seed ?? 0)];
  const outcome = outcomeOf(request, dataset, finished);
  const run = {
    name: `${model}-${dataset.name}`,
    model,
    seed,
    facts: factsOf(request, dataset, finished, seed),
    command: outcome.command,
    warnings: outcome.warnings,
    scores: outcome.scores,
    criteria: criteriaTexts({
      ...diagnose(result, clusters, seed),
      ...result.bic !== undefined && { bic: result.bic },
      startCuts,
    }),
    options: typedOptionsOf(METHODS[model], request.profile, options),
    data: dataset.name,
    digest: dataset.digest,
    seconds,
    times,
    log: result.history,
    rows: await rowsOf(dataset, finished),
    clusterSizes: sizesOf(result.labels, clusters),
  };
  const centroids = await centroidsOf(dataset, finished);
  return await runReport(run, await detailsOf(run, { data: dataset, centroids, backend }));
}

function factsOf(
  { model, profile }: TrainRequest,
  { name, n, d, height, width, source, scaling, digest }: Dataset,
  { result: { stopReason, nIter }, backend, seconds }: Finished,
  seed: number,
): [string, string][] {
  const size = height === undefined ? "" : ` (images of ${height}\u00a0×\u00a0${width})`;
  return [
    ["method", profile === "default" ? model : `${model}, profile ${profile}`],
    ["data", `${name}: ${formatCount(n)} rows of ${formatCount(d)} columns${size}`],
    ["source", source],
    ["scaling", describeScaling(scaling)],
    ["seed", String(seed)],
    ["ended", endText(stopReason, nIter)],
    ["time", formatDuration(seconds)],
    ["device", backend.info.description],
    ["versions", `dynae ${VERSION}, ${navigator.userAgent}`],
    ["data digest", digest],
  ];
}

async function rowsOf(
  dataset: Dataset,
  { estimator, result, backend }: Finished,
): Promise<RunRows> {
  const { n, ids, rowNumbers, classes, classNames } = dataset;
  const isSoft = METHODS[estimator.name].softAssignment !== undefined;
  const { name, values } = await certaintyOf(estimator, isSoft, dataset, result, backend);
  return {
    names: ids ?? Array.from({ length: n }, (_, i) => String(rowNumbers?.[i] ?? i)),
    labels: result.labels,
    ...classes && { classes: Array.from(classes, (one) => classNames?.[one] ?? String(one)) },
    certainty: name,
    values: Float64Array.from(values),
    codes: result.embedding,
    codeSize: result.embeddingSize,
  };
}

async function centroidsOf(
  { data, height, width, channels = 1 }: Dataset,
  { result: { prototypes } }: Finished,
): Promise<Uint8Array | undefined> {
  if (prototypes === undefined || height === undefined || width === undefined) return undefined;
  return await centroidStrip(prototypes, { height, width, channels, range: rangeOf(data) });
}
