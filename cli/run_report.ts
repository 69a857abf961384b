/** Reports of the runs in folders. */
import { describeScaling } from "../datasets/scaling.ts";
import type { Backend } from "../engine/backend/backend.ts";
import type { Scores } from "../models/estimator.ts";
import { sampleOf } from "../models/evaluation/cluster_indices.ts";
import { reportOf, telling } from "../report/clusters.ts";
import { mapOf } from "../report/map.ts";
import { picturesOf, pngUrl, sheetOf, shownValues } from "../report/pictures.ts";
import type { ReportedRun, RunDetails } from "../report/run.ts";
import { runReport } from "../report/run_report.ts";
import { CRITERIA, criteriaOf, digitsOf } from "./criteria.ts";
import type { AnyDataset } from "./data_options.ts";
import { ownOptions, repeatCommand } from "./repeat_command.ts";
import type { OpenedRun } from "./run_plan.ts";
import type { RunRecord } from "./run_record.ts";
import { readRunRows } from "./run_rows.ts";
import { formatCount, formatDuration } from "./terminal.ts";

/** Rows and columns of each cluster. */
const COUNT = 6;
/** Most rows of a map, and most values of their images, so that a page stays small. */
const MAP_ROWS = 6000;
const IMAGE_VALUES = 1.5e6;
/** Rows that a map has, however large their images are. */
const LEAST_ROWS = 500;

/**
 * The report of a run.
 * @param data Of the run; absent: images and columns are left out.
 * @returns HTML.
 * @throws What reading the run throws.
 */
export async function reportRun(
  opened: OpenedRun,
  data: AnyDataset | undefined,
  backend: Backend,
): Promise<string> {
  const run = await reportedRun(opened);
  return await runReport(run, await detailsOf(opened, run, data, backend));
}

/** What a folder says of its run. @throws {Failure} for one that is not finished. */
export async function reportedRun({ folder, record }: OpenedRun): Promise<ReportedRun> {
  const rows = await readRunRows(folder, record);
  const { configuration: { model }, seed, data, seconds } = record;
  const results = record.results!;
  const values = criteriaOf(results);
  const partitions = [...Object.entries(results.partitions), [model, results] as const];
  return {
    name: folder.path.split(/[/\\]/).findLast((part) => part !== "")!,
    model,
    seed,
    facts: factsOf(record),
    command: repeatCommand(record),
    warnings: results.warnings,
    scores: results.acc === undefined ? [] : partitions as [string, Scores][],
    criteria: CRITERIA.filter(({ name }) => values[name] !== undefined)
      .map((one) => [one.title, values[one.name].toFixed(digitsOf(values[one.name], one))]),
    options: ownOptions(record),
    data: data.name,
    digest: data.digest,
    seconds,
    log: await folder.readMetrics() ?? [],
    rows,
    clusterSizes: results.clusterSizes,
  };
}

function factsOf(record: RunRecord): [string, string][] {
  const { configuration: { model, profile = "default" }, data, device, versions, seed } = record;
  const { height, width } = data;
  const size = height === undefined ? "" : ` (images of ${height} × ${width})`;
  return [
    ["method", profile === "default" ? model : `${model}, profile ${profile}`],
    ["data", `${data.name}: ${formatCount(data.n)} rows of ${formatCount(data.d)} columns${size}`],
    ["source", data.source],
    ["scaling", describeScaling(data.scaling)],
    ["seed", String(seed)],
    ["ended", `${record.stopReason}, after ${formatCount(record.steps ?? 0)} steps`],
    ["time", formatDuration(record.seconds)],
    ["device", device.used?.description ?? device.requested],
    [
      "versions",
      Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", "),
    ],
    ["digest", data.digest],
  ];
}

async function detailsOf(
  { folder, record }: OpenedRun,
  run: ReportedRun,
  data: AnyDataset | undefined,
  backend: Backend,
): Promise<RunDetails> {
  const { rows, clusterSizes, seed } = run;
  const table = record.data.schema.columns === undefined ? undefined : data;
  const clusters = await reportOf(rows, clusterSizes, table, COUNT);
  const { exemplars, doubtful } = telling(rows, clusterSizes.length, COUNT);
  const values = data && shownValues(data);
  const most = Math.max(LEAST_ROWS, Math.floor(IMAGE_VALUES / (values ?? 1)));
  const sampled = sampleOf(rows.labels.length, Math.min(MAP_ROWS, most), seed);
  const map = await mapOf(backend, rows, sampled, seed);
  const centroids = await Deno.readFile(folder.file("centroids.png")).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  return {
    clusters,
    exemplars,
    ...doubtful && { doubtful },
    ...map && { map },
    ...centroids && { centroids: pngUrl(centroids) },
    ...data && values !== undefined && {
      pictures: await picturesOf(data, [exemplars, doubtful ?? []].flat(2)),
      ...map && { sheet: await sheetOf(data, map.rows) },
    },
  };
}
