/** Accuracies of a table's rows: mean, deviation and extremes over the seeds, beside what is published. */
import { statisticOf } from "../summary.ts";
import { type Captions, colour, label, svg, ticksOf, widthOf } from "./chart.ts";
import type { FinishedRun } from "./paper_table.ts";

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
 * @param names What their titles are, for people. @param note Below each.
 */
export function scoreCharts(
  runs: readonly FinishedRun[],
  names: string,
  note: string,
): Record<string, string> {
  const scored = runs.filter(({ record: { results } }) => results?.acc !== undefined);
  const bySet = Map.groupBy(scored, ({ data }) => data);
  return Object.fromEntries(
    [...bySet].map(([data, runs]) => {
      const byRow = Map.groupBy(runs, ({ title }) => title);
      const rows = [...byRow].map(([name, runs]): ScoredRow => {
        // Published figures begin with an accuracy, where there are any.
        const published = Number.parseFloat(runs[0].published ?? "");
        return {
          name,
          values: runs.map(({ record }) => record.results!.acc!),
          ...Number.isFinite(published) && { published },
        };
      });
      const captions = { title: `${runs[0].dataTitle}: accuracy`, note };
      return [`${data}-scores.svg`, scoresChart(rows, { ...captions, names })];
    }),
  );
}

/**
 * A line from worst to best, a bar of the mean ± the deviation, a dot for the mean, a ring for what is
 * published.
 */
export function scoresChart(
  rows: readonly ScoredRow[],
  { title, note, names }: Captions & { readonly names: string },
): string {
  const [right, top, rowHeight] = [40, 50, 24];
  const left = 28 + Math.max(widthOf(names), ...rows.map(({ name }) => widthOf(name)));
  const width = left + 590 + right;
  const bottom = top + rowHeight * rows.length;
  // A deviation may lead beyond the extremes.
  const all = rows.flatMap(({ values, published }) => {
    const { mean, std, min, max } = statisticOf(values);
    const drawn = [min!, max!, ...std === null ? [] : [mean! - std, mean! + std]];
    return published === undefined ? drawn : [...drawn, published];
  });
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
    return [
      label(left - 12, y + 4, name, "end"),
      line(min!, max!, 1.5),
      ...std === null ? [] : [line(mean! - std, mean! + std, 5)],
      `<circle cx="${at(mean!)}" cy="${y}" r="5" fill="${colour(0)}"/>`,
      ...published === undefined ? [] : [
        `<circle cx="${at(published)}" cy="${y}" r="6" fill="none" stroke="${colour(1)}" ` +
        `stroke-width="2"/>`,
      ],
    ];
  });
  const counts = rows.map(({ values }) => values.length);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const seeds = `${least === most ? most : `${least} to ${most}`} seed${most === 1 ? "" : "s"}`;
  const hasPublished = rows.some(({ published }) => published !== undefined);
  const legend =
    (most === 1
      ? `Dots: ${seeds}`
      : `Dots: mean of ${seeds}; bars: ± standard deviation; lines: worst to best`) +
    (hasPublished ? "; rings: published." : ".");
  const middle = (left + width - right) / 2;
  return svg(width, bottom + 48, [
    ...grid,
    ...marks,
    label(width / 2, 24, title, "middle"),
    label(left - 12, top - 6, names, "end"),
    label(middle, bottom + 40, "accuracy (ACC)", "middle"),
  ], `${legend} ${note}`);
}
