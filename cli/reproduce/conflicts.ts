/** Conflicted and unconflicted samples over DynAE's steps, with the updates marked. */
import { lineChart } from "./chart.ts";
import { isFirstSeed } from "./curves.ts";
import type { PaperTable } from "./paper_table.ts";
import { DYNAE_CONFLICTS } from "./published.ts";

/** See {@linkcode PaperTable}. */
export const CONFLICTS_TABLE: PaperTable = {
  summary:
    "DynAE's conflicted and unconflicted samples over the steps, with updates of the centroids",
  notes: [
    "From k-means, as published. Dots mark the checks at which the count had not fallen, so that " +
    "centroids were computed again and the thresholds dropped.",
  ],
  data: "usps,mnist-test",
  seeds: 1,
  headings: ["model"],
  published: DYNAE_CONFLICTS,
  rows: () => [
    { name: "dynae", cells: ["dynae"], model: "dynae", options: { partition: "kmeans" } },
  ],
  pictures(runs, note) {
    return Object.fromEntries(
      runs.filter(isFirstSeed).flatMap(({ data, log }): [string, string][] => {
        const checks = log.filter(({ conflicted }) => typeof conflicted === "number");
        if (checks.length === 0) return [];
        const marks = checks.flatMap(({ step, update }) => update === true ? [Number(step)] : []);
        const series = ["conflicted", "unconflicted"].map((name) => ({
          name,
          points: checks.map((row) => [Number(row.step), Number(row[name])] as const),
          marks,
        }));
        const title = `${data}: conflicted samples, seed 0; dots: updates`;
        return [[
          `${data}-conflicts.svg`,
          lineChart(series, { title, note, x: "steps of clustering", y: "samples" }),
        ]];
      }),
    );
  },
};
