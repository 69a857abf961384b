/** Charts over the steps of the runs of seed 0. */
import { lineChart, type Series } from "./chart.ts";
import type { FinishedRun } from "./paper_table.ts";

/** Pictures show seed 0. */
export function isFirstSeed({ seed }: FinishedRun): boolean {
  return seed === 0;
}

/** What a chart shows of each run. */
export interface RunChart {
  /** What follows the data set in the file's name, without ending. */
  readonly file: string;
  /** What follows the data set in the title. */
  readonly title: string;
  /** Of the axes. */
  readonly x: string;
  readonly y: string;
  /** The lines of a run; those without points are left out. */
  linesOf(run: FinishedRun): readonly Series[];
}

/** A chart for each data set of which there is something to draw, by file names. @param note Below it. */
export function chartsBySet(
  runs: readonly FinishedRun[],
  note: string,
  { file, title, x, y, linesOf }: RunChart,
): Record<string, string> {
  const bySet = Map.groupBy(runs.filter(isFirstSeed), ({ data }) => data);
  return Object.fromEntries(
    [...bySet].flatMap(([data, runs]): [string, string][] => {
      const [{ dataTitle }] = runs;
      const lines = runs.flatMap(linesOf).filter(({ points }) => points.length > 0);
      if (lines.length === 0) return [];
      const captions = { title: `${dataTitle}: ${title}, seed 0`, note };
      return [[`${data}-${file}.svg`, lineChart(lines, { ...captions, x, y })]];
    }),
  );
}

/** What the clustering phase logged under a name, by step; not what an epoch after it did, which counts anew. */
export function loggedPoints({ log }: FinishedRun, name: string): Series["points"] {
  return log.flatMap((row) => {
    const value = row[name];
    return row.phase === "clustering" && typeof value === "number"
      ? [[Number(row.step), value] as const]
      : [];
  });
}
