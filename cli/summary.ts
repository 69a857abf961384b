/** What the runs of a plan have come to: means and deviations over the seeds. */
import { METHODS } from "../models/registry.ts";
import type { LogRow } from "../models/estimator.ts";
import { AGREEMENT, CRITERIA, criteriaOf, type Measure } from "../report/criteria.ts";
import type { Plan, PlannedSetting } from "./experiment.ts";
import type { RunState } from "./run_state.ts";
import { recommend, type Recommendation } from "./recommendation.ts";
import { COSINES, featureCosines, type Goal, stepsTo } from "./run_log.ts";

const SCORES: readonly Measure[] = [
  { name: "acc", title: "ACC", digits: 3, hasExtremes: true },
  { name: "nmi", title: "NMI", digits: 3 },
  { name: "ari", title: "ARI", digits: 3 },
];

/** In place of scores, where no classes are known. */
const SIZES: readonly Measure[] = [
  { name: "smallest", title: "rows of the smallest cluster", digits: 0 },
  { name: "largest", title: "of the largest", digits: 0 },
];

/** Name of the steps to a goal. */
export const STEPS_TO = "stepsTo";

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
  /** Null where there are no values. */
  readonly min: number | null;
  /** Null where there are no values. */
  readonly max: number | null;
  /** How many values there are. */
  readonly n: number;
}

/** The mean, the standard deviation with n − 1, and the extremes. */
export function statisticOf(values: readonly number[]): Statistic {
  const n = values.length;
  if (n === 0) return { mean: null, std: null, min: null, max: null, n };
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const [min, max] = [Math.min(...values), Math.max(...values)];
  if (n === 1) return { mean, std: null, min, max, n };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, std: Math.sqrt(squares / (n - 1)), min, max, n };
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
  /** What the plan says besides. */
  readonly notes: readonly string[];
  /** The score that runs were to reach. */
  readonly goal?: Goal;
  /** Which numbers of clusters are spoken for, where several were tried. */
  readonly recommendations: readonly Recommendation[];
}

/** What is known of the runs beside their records. */
export interface Findings {
  /** By setting, the adjusted Rand indices of its runs' labels, pair by pair. */
  readonly agreements?: readonly (readonly number[])[];
  /** Of the finished runs, by their names. */
  readonly logs?: ReadonlyMap<string, readonly LogRow[]>;
  /** What the command says of them: sentences. */
  readonly notes?: readonly string[];
  /** The score whose steps are asked for. */
  readonly goal?: Goal;
}

/** @param states One for each run of the plan, in its order. */
export function summarize(
  plan: Plan,
  states: readonly RunState[],
  { agreements = [], logs = new Map(), notes = [], goal }: Findings = {},
): Summary {
  const finished = states.filter(({ status }) => status === "finished");
  const hasScores = finished.map(({ record }) => record!.results!.acc !== undefined);
  const isScored = finished.length === 0 || hasScores.includes(true);
  const isUnscored = hasScores.includes(false);
  const isChoice = plan.headings.includes("clusters");
  const named = new Set(
    finished.flatMap(({ record }) => Object.keys(criteriaOf(record!.results!.diagnostics))),
  );
  const criteria = [
    ...CRITERIA.filter(({ name }) => named.has(name)),
    ...agreements.some(({ length }) => length > 0) ? [AGREEMENT] : [],
  ];
  const cosines = [...logs.values()].map(featureCosines);
  const measures: Measure[] = [
    ...isScored ? SCORES : [],
    ...isUnscored || isChoice ? criteria : [],
    ...isUnscored ? SIZES : [],
    ...COSINES.filter(({ name }) => cosines.some((found) => Object.hasOwn(found, name))),
    ...goal
      ? [{ name: STEPS_TO, title: `steps to ${goal.text}`, digits: 0, isPartial: true } as const]
      : [],
    ...COSTS,
  ];
  const last = Math.max(...plan.runs.map(({ seed }) => seed));
  const devices = new Set(finished.map(({ record }) => record!.device.used!.description));
  const facts = [
    ...plan.data.map(({ name, title, n, d }) => `${title ?? name}: ${n} rows of ${d} columns`),
    last === 0 ? "seed 0" : `seeds 0 to ${last}`,
    ...devices,
  ];
  const rows = plan.settings.map((_, index) =>
    rowOf(plan, states, index, measures, { agreements, logs, ...goal && { goal } })
  );
  const areCodes = plan.settings.some(({ model }) => !METHODS[model].clustersRows);
  return {
    title: facts.join("; "),
    headings: plan.headings,
    measures,
    rows,
    notes: [...plan.notes ?? [], ...notes],
    ...goal && { goal },
    recommendations: recommend(plan.headings, rows, areCodes),
  };
}

function rowOf(
  plan: Plan,
  states: readonly RunState[],
  index: number,
  measures: readonly Measure[],
  { agreements, logs, goal }:
    & Required<Pick<Findings, "agreements" | "logs">>
    & Pick<Findings, "goal">,
): RowSummary {
  const { cells, pretraining } = plan.settings[index];
  const indices = plan.runs.flatMap((run, i) => run.setting === index ? [i] : []);
  const runs = indices.map((i): RunSummary => {
    const { name, seed } = plan.runs[i];
    const { status, reason, record } = states[i];
    const warnings = record?.results?.warnings ?? [];
    const log = logs.get(name) ?? [];
    const steps = goal && stepsTo(goal, log);
    const values = {
      ...valuesOf(states[i]),
      ...featureCosines(log),
      ...steps !== undefined && { [STEPS_TO]: steps },
    };
    return { name, seed, status, reason, warnings, values };
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
      ...measures.includes(AGREEMENT) && { [AGREEMENT.name]: statisticOf(agreements[index] ?? []) },
    },
  };
}

function valuesOf({ status, record }: RunState): Record<string, number> {
  if (status !== "finished") return {};
  const { results, seconds, steps } = record!;
  const { acc, nmi, ari, clusterSizes } = results!;
  return {
    ...(acc === undefined ? {} : { acc, nmi: nmi!, ari: ari! }),
    ...criteriaOf(results!.diagnostics),
    smallest: Math.min(...clusterSizes),
    largest: Math.max(...clusterSizes),
    seconds,
    steps: steps!,
  };
}
