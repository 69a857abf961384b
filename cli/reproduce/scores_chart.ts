/** Accuracies of a table's rows: mean, deviation and extremes over the seeds, beside what is published. */
import { statisticOf } from "../summary.ts";
import { type Captions, colour, label, svg, ticksOf } from "./chart.ts";
import type { FinishedRun } from "./paper_table.ts";
import type { Published } from "./published.ts";

/** A row of the picture. */
export interface ScoredRow {
  /** Left of it. */
  readonly name: string;
  /** One a seed, at least one. */
  readonly values: readonly number[];
  /** Marked beside them, where it is known. */
  readonly published?: number;
}

/**
 * A picture for each data set whose runs have accuracies, by file names.
 * @param note Below each. @param published Figures that begin with an accuracy.
 */
export function scoreCharts(
  runs: readonly FinishedRun[],
  note: string,
  published?: Published,
): Record<string, string> {
  const scored = runs.filter(({ record: { results } }) => results?.acc !== undefined);
  const bySet = Map.groupBy(scored, ({ data }) => data);
  return Object.fromEntries(
    [...bySet].map(([data, runs]) => {
      const byRow = Map.groupBy(runs, ({ setting }) => setting.name.replace(`${data}-`, ""));
      const rows = [...byRow].map(([name, runs]): ScoredRow => {
        const figure = published?.figures[name]?.[data];
        return {
          name,
          values: runs.map(({ record }) => record.results!.acc!),
          ...figure !== undefined && { published: Number.parseFloat(figure) },
        };
      });
      return [`${data}-scores.svg`, scoresChart(rows, { title: `${data}: accuracy`, note })];
    }),
  );
}

/** A line from worst to best, a bar of the mean ± the deviation, a dot for the mean, a ring for what is published. */
export function scoresChart(rows: readonly ScoredRow[], { title, note }: Captions): string {
  const [width, left, right, top, rowHeight] = [860, 230, 40, 44, 24];
  const bottom = top + rowHeight * rows.length;
  const all = rows.flatMap(({ values, published }) => [...values, ...published ? [published] : []]);
  const ticks = ticksOf(Math.min(...all), Math.max(...all));
  const [low, high] = [ticks[0], ticks.at(-1)!];
  const at = (value: number) =>
    (left + (high > low ? (value - low) / (high - low) : 0.5) * (width - right - left)).toFixed(1);
  const grid = ticks.flatMap((tick) => [
    `<line x1="${at(tick)}" x2="${at(tick)}" y1="${top}" y2="${bottom}" stroke="#ddd"/>`,
    label(at(tick), bottom + 18, String(tick), "middle"),
  ]);
  const marks = rows.flatMap(({ name, values, published }, i) => {
    const y = top + rowHeight * (i + 0.5);
    const { mean, std, min, max } = statisticOf(values);
    const line = (from: number, to: number, thickness: number) =>
      `<line x1="${at(from)}" x2="${at(to)}" y1="${y}" y2="${y}" stroke="${colour(0)}" ` +
      `stroke-width="${thickness}"/>`;
    // A deviation may lead beyond the extremes, and out of the picture.
    const within = (value: number) => Math.min(Math.max(value, low), high);
    return [
      label(left - 12, y + 4, name, "end"),
      line(min!, max!, 1.5),
      ...std === null ? [] : [line(within(mean! - std), within(mean! + std), 5)],
      `<circle cx="${at(mean!)}" cy="${y}" r="5" fill="${colour(0)}"/>`,
      ...published === undefined ? [] : [
        `<circle cx="${at(published)}" cy="${y}" r="6" fill="none" stroke="${colour(1)}" ` +
        `stroke-width="2"/>`,
      ],
    ];
  });
  const hasPublished = rows.some(({ published }) => published !== undefined);
  const legend = "ACC: mean (dot), ± standard deviation (bar), worst to best (line)" +
    (hasPublished ? "; published (ring)" : "");
  const middle = (left + width - right) / 2;
  return svg(width, bottom + 80, [
    ...grid,
    ...marks,
    label(width / 2, 24, title, "middle"),
    label(middle, bottom + 40, legend, "middle"),
    label(16, bottom + 66, note, "start"),
  ]);
}
