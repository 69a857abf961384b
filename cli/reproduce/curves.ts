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
    "graph` starts from the partition of the code's neighbours, dynae's default.",
  ],
  data: "usps,mnist-test",
  seeds: 5,
  isShared: true,
  stepsTo: "+0.02",
  headings: ["model"],
  published: DYNAE_CURVES,
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
      x: "steps",
      y: "ACC",
      linesOf: ({ data, setting, log }) => [{
        name: setting.name.replace(`${data}-`, ""),
        points: scoredRows(log).map(({ step, acc }) => [step, acc] as const),
      }],
    }),
};
