/** What a run's log says of the way to its result: scores by step, and feature randomness and drift. */
import type { LogRow } from "../models/estimator.ts";
import type { Measure } from "../report/criteria.ts";
import type { Plan } from "./experiment.ts";
import type { RunState } from "./run_state.ts";
import { parseNumber } from "./method_options.ts";
import { usageError } from "./errors.ts";
import { RunFolder } from "./run_folder.ts";
import { writeError } from "./terminal.ts";

/** A row of the log that has scores. */
export interface ScoredRow extends LogRow {
  /** Steps since the first score of the log: of clustering, and of what a method does before it. */
  step: number;
  /** Accuracy. */
  acc: number;
}

/** A score that runs are to reach: itself, or what is to be gained upon the log's first one. */
export interface Goal {
  /** As it was asked for. */
  readonly text: string;
  /** Of accuracy. */
  readonly value: number;
  /** Whether it is added to the first accuracy. */
  readonly isGain: boolean;
}

/** `0.9` or `+0.02`. @throws {Failure} for anything else. */
export function parseGoal(text: string): Goal {
  const wanted = "an accuracy such as 0.9, or +0.02 for a gain upon the start's";
  const value = parseNumber("--steps-to", text, wanted);
  if (value > 0 && value <= 1) return { text, value, isGain: text.trim().startsWith("+") };
  throw usageError(`--steps-to takes ${wanted}, above 0 and at most 1, got ${text}`);
}

/** The log of a finished run; empty where it is absent or damaged, which takes no table down. */
async function readLog(path: string): Promise<LogRow[]> {
  const { folder } = await RunFolder.open(path);
  try {
    return await folder.readMetrics() ?? [];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    writeError(`note: ${error.message}\n`);
    return [];
  }
}

/** The logs of the finished runs of a plan, by their names. */
export async function readLogs(
  folder: string,
  { runs }: Plan,
  states: readonly RunState[],
): Promise<Map<string, LogRow[]>> {
  const finished = runs.filter((_, i) => states[i].status === "finished");
  const logs = finished.map(async ({ name }) =>
    [name, await readLog(`${folder}/${name}`)] as const
  );
  return new Map(await Promise.all(logs));
}

/** The rows with scores, whose steps count on from phase to phase. */
export function scoredRows(log: readonly LogRow[]): ScoredRow[] {
  let [offset, last] = [0, 0];
  let phase: unknown;
  return log.flatMap((row) => {
    if (typeof row.acc !== "number") return [];
    if (row.phase !== phase) [phase, offset, last] = [row.phase, offset + last, 0];
    last = Number(row.step);
    return [{ ...row, acc: row.acc, step: offset + last }];
  });
}

/** Steps after which a log first shows the goal; undefined where it never does. */
export function stepsTo({ value, isGain }: Goal, log: readonly LogRow[]): number | undefined {
  const rows = scoredRows(log);
  const least = isGain ? rows[0]?.acc + value : value;
  return rows.find(({ acc }) => acc >= least)?.step;
}

/** Feature randomness and drift, where runs have logged them; own: in the form of a method's authors. */
export const COSINES: readonly Measure[] = [
  { name: "featureRandomness", title: "FR", digits: 3 },
  { name: "featureDrift", title: "FD", digits: 3 },
  { name: "ownFeatureRandomness", title: "own FR", digits: 3 },
  { name: "ownFeatureDrift", title: "own FD", digits: 3 },
];

/** The last cosines of feature randomness and drift that a log holds. */
export function featureCosines(log: readonly LogRow[]): Record<string, number> {
  return Object.fromEntries(COSINES.flatMap(({ name }) => {
    const value = log.findLast((row) => typeof row[name] === "number")?.[name];
    return typeof value === "number" ? [[name, value]] : [];
  }));
}
