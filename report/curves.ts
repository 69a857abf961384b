/** What of a log can be drawn over the steps of training. */
import type { LogRow } from "../models/estimator.ts";

/** A curve: a value at some places, null where the log has none. */
export interface Series {
  /** What it is called. */
  readonly name: string;
  /** Which of the page's styles it has, from 0. */
  readonly style: number;
  /** One for each place of its chart. */
  readonly values: readonly (number | null)[];
}

/** A place on the axis of steps. */
export interface Mark {
  /** Steps since the start. */
  readonly x: number;
  /** What is there. */
  readonly name: string;
}

/** Curves over one axis of steps, counted through all phases. */
export interface Chart {
  /** Unique on its page: letters and digits. */
  readonly id: string;
  /** What it shows. */
  readonly title: string;
  /** How it is to be read, in a sentence or two. */
  readonly note: string;
  /** Places, ascending. */
  readonly x: readonly number[];
  /** At least one. */
  readonly series: readonly Series[];
  /** Where phases begin. */
  readonly phases: readonly Mark[];
  /** Where the targets were made anew. */
  readonly updates: readonly number[];
  /** Whether the axis of values is logarithmic. */
  readonly isLog: boolean;
}

/** How many styles of curves a page has. */
export const STYLES = 8;

const SCORES = ["acc", "nmi", "ari", "accU", "accC"];
const COUNTS = ["conflicted", "unconflicted", "changed"];
/** Settings and states, which share no scale with losses. */
const OTHERS = [
  ...[
    "phase",
    "step",
    "restart",
    "kappa",
    "beta1",
    "beta2",
    "tau",
    "alpha",
    "agreement",
    "largest",
  ],
  ...[
    "targetChange",
    "clustersInUse",
    "codeDeviation",
    "codeFactor",
    "cut",
    "nmiU",
    "ariU",
    "nmiC",
  ],
  ...["ariC", "featureRandomness", "featureDrift", "ownFeatureRandomness", "ownFeatureDrift"],
];

/** What logs call what tables name otherwise. */
const TITLES: Readonly<Record<string, string>> = {
  acc: "ACC",
  nmi: "NMI",
  ari: "ARI",
  accU: "ACC of unconflicted rows",
  accC: "ACC of conflicted rows",
  changed: "changed labels",
};

/** A row of the log and its place on the axis. */
interface Placed {
  readonly x: number;
  readonly row: LogRow;
}

/** The charts that a log has something for. */
export function chartsOf(log: readonly LogRow[]): Chart[] {
  const { placed, phases } = placedRows(log);
  const numeric = new Set(
    placed.flatMap(({ row }) => Object.keys(row).filter((name) => typeof row[name] === "number")),
  );
  const losses = [...numeric.difference(new Set([...SCORES, ...COUNTS, ...OTHERS]))];
  const kinds = [
    ["scores", "Scores where classes are known", SCORES, "1 is best. Training never sees classes."],
    [
      "states",
      "Conflicted and unconflicted rows",
      ["conflicted", "unconflicted"],
      "A row is unconflicted where its cluster is sure: it is pulled to the centre, the others are " +
      "drawn again.",
    ],
    [
      "changes",
      "Changed labels",
      ["changed"],
      "Rows whose label is another than at the check before.",
    ],
    ["losses", "Losses", losses, "Each is the mean since the log's row before."],
  ] as const;
  return kinds.flatMap(([id, title, names, note]) => {
    const own = names.filter((name) => numeric.has(name));
    const rows = placed.filter(({ row }) => own.some((name) => typeof row[name] === "number"));
    if (rows.length < 2) return [];
    const at = Map.groupBy(rows, ({ x }) => x);
    const series = own.map((name, style) => ({
      name: TITLES[name] ?? name,
      style: style % STYLES,
      values: Array.from(at.values(), (same) => numberOf(same, name)),
    }));
    const values = series.flatMap((one) => one.values.filter((value) => value !== null));
    const updates = rows.flatMap(({ x, row }) => row.update === true ? [x] : []);
    const isLog = id === "losses" && values.every((value) => value > 0);
    const x = [...at.keys()];
    const shown = phases.filter((phase) => phase.x >= x[0] || phase === phaseAt(phases, x[0]));
    const notes = [
      note,
      ...isLog ? ["The axis is logarithmic."] : [],
      ...updates.length > 0 ? ["Dotted lines are updates of targets and thresholds."] : [],
    ];
    return [{ id, title, note: notes.join(" "), x, series, phases: shown, updates, isLog }];
  });
}

function phaseAt(phases: readonly Mark[], x: number): Mark | undefined {
  return phases.findLast((phase) => phase.x <= x);
}

function numberOf(rows: readonly Placed[], name: string): number | null {
  const found = rows.findLast(({ row }) => typeof row[name] === "number");
  return found === undefined ? null : found.row[name] as number;
}

/**
 * Counts steps on from phase to phase, in the order in which their steps begin. Phases in which steps
 * do not ascend, such as restarts, are no curve.
 */
function placedRows(log: readonly LogRow[]): { placed: Placed[]; phases: Mark[] } {
  const stepOf = (row: LogRow) => Number(row.step ?? 0);
  const byPhase = Map.groupBy(log, ({ phase }) => String(phase));
  const names = new Set(log.filter((row) => stepOf(row) > 0).map(({ phase }) => String(phase)));
  const placed: Placed[] = [];
  const phases: Mark[] = [];
  let begin = 0;
  for (const name of names) {
    const rows = byPhase.get(name)!;
    if (rows.some((row, i) => i > 0 && stepOf(row) < stepOf(rows[i - 1]))) continue;
    phases.push({ x: begin, name });
    placed.push(...rows.map((row) => ({ x: begin + stepOf(row), row })));
    begin += stepOf(rows.at(-1)!);
  }
  return { placed, phases };
}
