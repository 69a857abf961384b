/** What the runs of a plan have come to: means and deviations over the seeds. */
import { METHODS } from "../models/registry.ts";
import { AGREEMENT, CRITERIA, criteriaOf, type Measure } from "./criteria.ts";
import type { Plan, PlannedSetting } from "./experiment.ts";
import type { RunState } from "./run_state.ts";
import { recommend, type Recommendation } from "./recommendation.ts";

const SCORES: readonly Measure[] = [
  { name: "acc", title: "ACC", digits: 3 },
  { name: "nmi", title: "NMI", digits: 3 },
  { name: "ari", title: "ARI", digits: 3 },
];

/** In place of scores, where no classes are known. */
const SIZES: readonly Measure[] = [
  { name: "smallest", title: "rows of the smallest cluster", digits: 0 },
  { name: "largest", title: "of the largest", digits: 0 },
];

const COSTS: readonly Measure[] = [
  { name: "seconds", title: "time, s", digits: 1 },
  { name: "steps", title: "steps", digits: 0 },
];

/** Mean and deviation of some values. */
export interface Statistic {
  /** Null where there are no values. */
  readonly mean: number | null;
  /** Of a sample: the sum of squares is divided by n − 1. Null for fewer than two values. */
  readonly std: number | null;
}

/** The mean, and the standard deviation with n − 1. */
export function statisticOf(values: readonly number[]): Statistic {
  const n = values.length;
  if (n === 0) return { mean: null, std: null };
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n === 1) return { mean, std: null };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, std: Math.sqrt(squares / (n - 1)) };
}

/** One run, as the tables know it. */
export interface RunSummary extends Omit<RunState, "record"> {
  /** Of its folder. */
  readonly name: string;
  /** Of its random numbers. */
  readonly seed: number;
  /** What looks wrong with a finished run, for people. */
  readonly warnings: readonly string[];
  /** By name of the measure; empty where it is not finished. */
  readonly values: Readonly<Record<string, number>>;
}

/** A row of the table. */
export interface RowSummary {
  /** What it shows of its setting. */
  readonly cells: readonly string[];
  /** Whose time it is part of. */
  readonly pretraining: PlannedSetting["pretraining"];
  /** In the order of the seeds. */
  readonly runs: readonly RunSummary[];
  /** How many of these are finished. */
  readonly finished: number;
  /** Over the finished runs, by name of the measure. */
  readonly statistics: Readonly<Record<string, Statistic>>;
}

/** The table, before it is text. */
export interface Summary {
  /** The data, their size, the seeds and the devices, in a line. */
  readonly title: string;
  /** Titles of the rows' cells. */
  readonly headings: readonly string[];
  /** Columns of numbers. */
  readonly measures: readonly Measure[];
  /** A setting each. */
  readonly rows: readonly RowSummary[];
  /** Which numbers of clusters are spoken for, where several were tried. */
  readonly recommendations: readonly Recommendation[];
}

/**
 * @param states One for each run of the plan, in its order.
 * @param agreements By setting, the adjusted Rand indices of its runs' labels, pair by pair.
 */
export function summarize(
  plan: Plan,
  states: readonly RunState[],
  agreements: readonly (readonly number[])[] = [],
): Summary {
  const finished = states.filter(({ status }) => status === "finished");
  const isScored = finished.length === 0 || finished[0].record!.results!.acc !== undefined;
  const isChoice = plan.headings.includes("clusters");
  const named = new Set(
    finished.flatMap(({ record }) => Object.keys(criteriaOf(record!.results!))),
  );
  const criteria = [
    ...CRITERIA.filter(({ name }) => named.has(name)),
    ...agreements.some(({ length }) => length > 0) ? [AGREEMENT] : [],
  ];
  const measures = [
    ...isScored ? SCORES : [],
    ...isScored && !isChoice ? [] : criteria,
    ...isScored ? [] : SIZES,
    ...COSTS,
  ];
  const { name, n, d } = plan.data;
  const last = Math.max(...plan.runs.map(({ seed }) => seed));
  const devices = new Set(finished.map(({ record }) => record!.device.used!.description));
  const facts = [
    `${name}: ${n} rows of ${d} columns`,
    last === 0 ? "seed 0" : `seeds 0 to ${last}`,
    ...devices,
  ];
  const rows = plan.settings.map((_, index) =>
    rowOf(plan, states, index, measures, agreements[index] ?? [])
  );
  const areCodes = plan.settings.some(({ model }) => !METHODS[model].clustersRows);
  return {
    title: facts.join("; "),
    headings: plan.headings,
    measures,
    rows,
    recommendations: recommend(plan.headings, rows, areCodes),
  };
}

function rowOf(
  plan: Plan,
  states: readonly RunState[],
  index: number,
  measures: readonly Measure[],
  agreement: readonly number[],
): RowSummary {
  const { cells, pretraining } = plan.settings[index];
  const indices = plan.runs.flatMap((run, i) => run.setting === index ? [i] : []);
  const runs = indices.map((i): RunSummary => {
    const { name, seed } = plan.runs[i];
    const { status, reason, record } = states[i];
    const warnings = record?.results?.warnings ?? [];
    return { name, seed, status, reason, warnings, values: valuesOf(states[i]) };
  });
  const finished = runs.filter(({ status }) => status === "finished");
  return {
    cells,
    pretraining,
    runs,
    finished: finished.length,
    statistics: {
      ...Object.fromEntries(
        measures.map((
          { name },
        ) => [name, statisticOf(finished.flatMap(({ values }) => values[name] ?? []))]),
      ),
      ...measures.includes(AGREEMENT) && { [AGREEMENT.name]: statisticOf(agreement) },
    },
  };
}

function valuesOf({ status, record }: RunState): Record<string, number> {
  if (status !== "finished") return {};
  const { results, seconds, steps } = record!;
  const { acc, nmi, ari, clusterSizes } = results!;
  return {
    ...(acc === undefined ? {} : { acc, nmi: nmi!, ari: ari! }),
    ...criteriaOf(results!),
    smallest: Math.min(...clusterSizes),
    largest: Math.max(...clusterSizes),
    seconds,
    steps: steps!,
  };
}
