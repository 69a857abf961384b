/** `train`: clusters a data set and leaves a folder with everything that came out. */
import type { Command } from "commander";
import type { Method } from "../models/method.ts";
import { METHODS } from "../models/registry.ts";
import { addConfigOptions, type Values } from "./config.ts";
import { valuesOfRun } from "./config_file.ts";
import { addTrainingData } from "./data_options.ts";
import { addDeviceOptions } from "./device_options.ts";
import { addHelp } from "./help.ts";
import {
  addMethodOptions,
  addOthersOptions,
  estimatorOf,
  givenOptions,
  integerOption,
  valueOf,
} from "./method_options.ts";
import { RunFolder } from "./run_folder.ts";
import { findMethod, type OpenedRun, planResumption, planRun, type RunValues } from "./run_plan.ts";
import { formatResults } from "./tables.ts";
import { writeError, writeJson, writeSummary } from "./terminal.ts";
import { type RunPlan, runTraining } from "./training_run.ts";

interface TrainValues extends RunValues {
  readonly resume?: string;
  readonly json?: boolean;
}

/** See {@linkcode CommandModule}. The options of the chosen model become options of the command. */
export async function define(command: Command, args: readonly string[]): Promise<void> {
  const resume = valueOf(args, "--resume");
  const opened = resume === undefined ? undefined : await RunFolder.open(resume);
  const method = findMethod(
    opened?.record.configuration.model ?? valueOf(args, "--model") ?? "dynae",
  );
  command
    .option("--model <name>", `${Object.keys(METHODS).join(", ")} (default: dynae)`)
    .option("--profile <name>", `${Object.keys(method.profiles).join(", ")} (default: default)`);
  addTrainingData(command, "true classes of the rows, for scores alone");
  command.optionsGroup("Device:");
  addDeviceOptions(command);
  command
    .optionsGroup("Run:")
    .option("--out <dir>", "folder of the run (default: runs/MODEL-DATA-seedSEED)")
    .option("--resume <dir>", "go on with a run, bit for bit")
    .option("--from <dir>", "start from the pre-trained network of that run")
    .option("--save-steps <n>", "a checkpoint every n steps too", integerOption("--save-steps", 1))
    .option("--no-baseline", "leave out k-means on the data")
    .option("--no-report", "leave out report.html")
    .option("--json", "print the results as one JSON object");
  addConfigOptions(command, (values) => configurationOf(method, values, opened));
  addMethodOptions(command, method);
  addOthersOptions(command, [method.name], method.options);
  addHelp(command, {
    details: detailsOf(method),
    about: `the models and the profiles of ${method.name}`,
    examples: [
      "train",
      "train --data rows.csv --class-column last --clusters 3",
      "train --resume runs/dynae-optdigits-seed0",
    ],
  });
  command.action(async (values: TrainValues) => {
    if (values.from !== undefined && valueOf(args, "--pretrain-steps") !== undefined) {
      writeError(
        "note: --pretrain-steps has no effect: the network of --from is trained already\n",
      );
    }
    const plan = opened === undefined
      ? await planRun(method, values)
      : await planResumption(method, values, opened);
    const { folder, record } = plan === undefined
      ? opened!
      : { folder: plan.folder, record: await runTraining(plan) };
    if (plan !== undefined && record.report !== false) await tryReport({ folder, record }, plan);
    if (values.json) return writeJson({ folder: folder.path, ...record });
    writeSummary(`${formatResults(record)}\n`);
    writeError(`\nThe run is in ${folder.path}\n`);
  });
}

/** The report of a run that is finished, which no report shall make fail. */
async function tryReport(run: OpenedRun, { dataset, device }: RunPlan): Promise<void> {
  // The training's plans and times are what was asked for.
  const { debug: _, ...quiet } = device;
  try {
    const { writeReport } = await import("./report.ts");
    await writeReport(run, dataset, quiet);
  } catch (error) {
    writeError(`warning: there is no report: ${(error as Error).message}\n`);
  }
}

/** What a training would be started with: of a method's options all, but for clusters of unread data. */
function configurationOf(method: Method, values: Values, opened?: OpenedRun): Values {
  if (opened !== undefined) return valuesOfRun(opened.record);
  const { profile = "default" } = values as { profile?: string };
  const given = givenOptions(method, values);
  const { clusters, ...options } = estimatorOf(method, profile, given).options;
  const isSet = given.clusters !== undefined ||
    method.profiles[profile].values.clusters !== undefined;
  return { model: method.name, profile, ...values, ...options, ...isSet && { clusters } };
}

function detailsOf({ name, summary, citation, profiles }: Method): string {
  const width = Math.max(...Object.keys(profiles).map(({ length }) => length));
  const lines = Object.entries(profiles).map(([profile, { description }]) =>
    `  ${profile.padEnd(width)}  ${description}`
  );
  const models = Object.values(METHODS).map((method) =>
    `  ${method.name.padEnd(10)}  ${method.summary}`
  );
  return `
Models (--model NAME --help-all shows another one's options):
${models.join("\n")}

${name}: ${summary}.
${citation}

Profiles of ${name}:
${lines.join("\n")}
`;
}
