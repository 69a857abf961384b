/** What a report of a run is made of. */
import { formatCount } from "../engine/inspect/text.ts";
import type { LogRow, PhaseTimes, Scores } from "../models/estimator.ts";
import type { ClusterReport } from "./clusters.ts";
import type { RunMap } from "./map.ts";
import type { Sheet } from "./pictures.ts";
import type { RowValues } from "./row_values.ts";
import type { RunRows } from "./rows.ts";

/** A finished run. */
export interface ReportedRun {
  /** Of its folder. */
  readonly name: string;
  /** Name of the method. */
  readonly model: string;
  /** Of all random numbers. */
  readonly seed: number;
  /** What was trained on what and where, and how it ended: a name and a text each. */
  readonly facts: readonly (readonly [name: string, text: string])[];
  /** The command that repeats it. */
  readonly command: string;
  /** What looks wrong, and what may help. */
  readonly warnings: readonly string[];
  /** Of partitions of the same rows, the run's own last; empty where classes are not known. */
  readonly scores: readonly (readonly [name: string, scores: Scores])[];
  /** What the partition is like, labels aside: titles and numbers. */
  readonly criteria: readonly (readonly [title: string, text: string])[];
  /** The options that tell it from others: names as typed, and values. */
  readonly options: Readonly<Record<string, string>>;
  /** What its data are called. */
  readonly data: string;
  /** SHA-256 of the rows. */
  readonly digest: string;
  /** Seconds of training. */
  readonly seconds: number;
  /** Where the time of its steps went, phase by phase; empty where that is not known. */
  readonly times: readonly PhaseTimes[];
  /** The rows of its log. */
  readonly log: readonly LogRow[];
  /** Its rows. */
  readonly rows: RunRows;
  /** Rows of each cluster, [K]. */
  readonly clusterSizes: readonly number[];
}

/** Why and when training ended; a reason may be the number of steps itself. */
export function endText(stopReason: string, steps: number): string {
  return stopReason.startsWith(`${steps} `)
    ? stopReason
    : `${stopReason}, after ${formatCount(steps)} steps`;
}

/** What is computed for the report of one run. */
export interface RunDetails {
  /** Its clusters, [K]. */
  readonly clusters: readonly ClusterReport[];
  /** [K] numbers of rows, as in {@linkcode ClusterReport.exemplars}. */
  readonly exemplars: readonly (readonly number[])[];
  /** [K] numbers of rows, as in {@linkcode ClusterReport.leastSure}. */
  readonly doubtful?: readonly (readonly number[])[];
  /** Images of these rows, where rows are images: URLs of PNGs. */
  readonly pictures?: ReadonlyMap<number, string>;
  /** The map; absent where there is none. */
  readonly map?: RunMap;
  /** The images of its rows, in its order. */
  readonly sheet?: Sheet;
  /** What stands in its rows, in its order, where they are rows of a table. */
  readonly values?: RowValues;
  /** The centroids as the decoder draws them, side by side: URL of a PNG. */
  readonly centroids?: string;
}
