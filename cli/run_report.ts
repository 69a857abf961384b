/** Reports of the runs in folders. */
import { describeScaling } from "../datasets/scaling.ts";
import type { Backend } from "../engine/backend/backend.ts";
import type { Scores } from "../models/estimator.ts";
import { typedOptionsOf } from "../models/method.ts";
import { METHODS } from "../models/registry.ts";
import { criteriaTexts } from "../report/criteria.ts";
import { detailsOf } from "../report/details.ts";
import { endText, type ReportedRun } from "../report/run.ts";
import { runReport } from "../report/run_report.ts";
import type { AnyDataset } from "./data_options.ts";
import { repeatCommand } from "./repeat_command.ts";
import type { OpenedRun } from "./run_plan.ts";
import type { RunRecord } from "./run_record.ts";
import { readRunRows } from "./run_rows.ts";
import { formatCount, formatDuration } from "./terminal.ts";

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
  const centroids = await Deno.readFile(opened.folder.file("centroids.png")).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  return await runReport(run, await detailsOf(run, { data, backend, centroids }));
}

/** What a folder says of its run. @throws {Failure} for one that is not finished. */
export async function reportedRun({ folder, record }: OpenedRun): Promise<ReportedRun> {
  const rows = await readRunRows(folder, record);
  const { configuration: { model, profile = "default", options }, seed, data, seconds } = record;
  const results = record.results!;
  const partitions = [...Object.entries(results.partitions), [model, results] as const];
  return {
    name: folder.path.split(/[/\\]/).findLast((part) => part !== "")!,
    model,
    seed,
    facts: factsOf(record),
    command: repeatCommand(record),
    warnings: results.warnings,
    scores: results.acc === undefined ? [] : partitions as [string, Scores][],
    criteria: criteriaTexts(results.diagnostics),
    options: typedOptionsOf(METHODS[model], profile, options),
    data: data.name,
    digest: data.digest,
    seconds,
    times: record.times ?? [],
    log: await folder.readMetrics() ?? [],
    rows,
    clusterSizes: results.clusterSizes,
  };
}

function factsOf(record: RunRecord): [string, string][] {
  const { configuration: { model, profile = "default" }, data, device, versions, seed } = record;
  const { height, width } = data;
  const size = height === undefined ? "" : ` (images of ${height}\u00a0×\u00a0${width})`;
  return [
    ["method", profile === "default" ? model : `${model}, profile ${profile}`],
    ["data", `${data.name}: ${formatCount(data.n)} rows of ${formatCount(data.d)} columns${size}`],
    ["source", data.source],
    ["scaling", describeScaling(data.scaling)],
    ["seed", String(seed)],
    ["ended", endText(record.stopReason!, record.steps ?? 0)],
    ["time", formatDuration(record.seconds)],
    ["device", device.used?.description ?? device.requested],
    [
      "versions",
      Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", "),
    ],
    ["data digest", data.digest],
  ];
}
