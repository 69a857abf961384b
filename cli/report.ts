/** `report`: a page about a run, or one that compares several. */
import type { Command } from "commander";
import { comparisonReport } from "../report/comparison.ts";
import { addDeviceOptions, close, type DeviceValues, open } from "./device_options.ts";
import { checkFile, checkNotData, writeOutput } from "./paths.ts";
import { REPORT, RunFolder } from "./run_folder.ts";
import { reportedRun, reportRun } from "./run_report.ts";
import { loadAgain } from "./run_rows.ts";
import type { AnyDataset } from "./data_options.ts";
import type { OpenedRun } from "./run_plan.ts";
import { writeOut } from "./terminal.ts";
import { PROGRAM } from "./version.ts";

/** See {@linkcode CommandModule}. */
export function define(command: Command): void {
  command
    .argument("<run...>", "folder of a finished run; of several: one comparison")
    .option("-o, --output <file>", "where to (default: report.html in the run's folder, or here)");
  addDeviceOptions(command);
  command.addHelpText(
    "after",
    `
The page holds everything that it shows, and works without a network.

Examples:
  ${PROGRAM} report runs/dynae-optdigits-seed0
  ${PROGRAM} report runs/digits/dynae-seed0 runs/digits/kmeans-seed0 -o comparison.html
`,
  );
  command.action(report);
}

interface ReportValues extends DeviceValues {
  readonly output?: string;
}

async function report(paths: readonly string[], values: ReportValues): Promise<void> {
  const { output } = values;
  if (output !== undefined) await checkFile("--output", output);
  const runs: OpenedRun[] = [];
  for (const path of paths) runs.push(await RunFolder.open(path));
  for (const { folder, record } of output === undefined ? [] : runs) {
    await checkNotData("--output", output!, folder.path, record.data.request);
  }
  const [first] = runs;
  const file = output ?? (runs.length === 1 ? first.folder.file(REPORT) : REPORT);
  if (runs.length === 1) {
    await writeReport(first, await loadAgain(first.record, "images and columns"), values, file);
  } else {
    const page = await comparisonReport(await Promise.all(runs.map(reportedRun)));
    await writeOutput(file, new TextEncoder().encode(page));
  }
  writeOut(`${file}\n`);
}

/** Writes the report of a run. @param data Closed where it is a file. */
export async function writeReport(
  run: OpenedRun,
  data: AnyDataset | undefined,
  device: DeviceValues,
  file: string = run.folder.file(REPORT),
): Promise<void> {
  const backend = await open(device);
  try {
    const page = await reportRun(run, data, backend);
    await writeOutput(file, new TextEncoder().encode(page));
  } finally {
    await close(backend);
    if (data !== undefined && !(data.data instanceof Float32Array)) data.data.close();
  }
}
