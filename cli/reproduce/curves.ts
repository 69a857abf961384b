/** Accuracy over the steps of DEC, IDEC and DynAE, from one start; and the steps to two points more. */
import { scoredRows } from "../run_log.ts";
import { chartsBySet } from "./first_seed.ts";
import type { PaperTable } from "./paper_table.ts";
import { DYNAE_CURVES } from "./published.ts";

const METHODS = ["dec", "idec", "dynae"];

/** See {@linkcode PaperTable}. */
export const CURVES_TABLE: PaperTable = {
  summary:
    "accuracy over the steps of DEC, IDEC and DynAE from one start; steps to two points more",
  notes: [
    "All start from one pre-trained network a seed and, as published, from k-means on its code; `dynae, " +
    "graph` starts from the partition of the code's neighbours, dynae's default. The pictures, as the " +
    "steps to a gain do, count the steps of the construction that precedes its clustering too, after which " +
    "its centroids are computed anew.",
  ],
  data: "usps,mnist-test",
  seeds: 5,
  isShared: true,
  stepsTo: "+0.02",
  headings: ["model"],
  published: DYNAE_CURVES,
  ours({ log }) {
    const rows = scoredRows(log);
    return rows.length === 0
      ? undefined
      : [rows[0], rows.at(-1)!].map(({ acc }) => acc.toFixed(3).replace(/^0/, "")).join(" → ");
  },
  rows: () => [
    ...METHODS.map((model) => ({
      name: model,
      cells: [model],
      model,
      options: { partition: "kmeans" },
    })),
    {
      name: "dynae-graph",
      cells: ["dynae, graph"],
      model: "dynae",
      options: { partition: "graph" },
    },
  ],
  pictures: (runs, note) =>
    chartsBySet(runs, note, {
      file: "accuracy",
      title: "accuracy over the steps",
      x: "steps after the pre-training",
      y: "accuracy (ACC)",
      linesOf: ({ title, log }) => [{
        name: title,
        points: scoredRows(log).map(({ step, acc }) => [step, acc] as const),
      }],
    }),
};
