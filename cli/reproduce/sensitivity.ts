/** How DynAE depends on its constants, one at a time, from one pre-training. */
import type { OptionValue } from "../../models/options.ts";
import type { PaperRow, PaperTable } from "./paper_table.ts";

const AXES: readonly (readonly [title: string, option: string, values: readonly OptionValue[]])[] =
  [
    ["kappa / K", "kappa", [0.1, 0.2, 0.3, 0.4, 0.5]],
    ["gamma", "gamma", [0, 1, 10, 100]],
    ["tol", "tol", [0.001, 0.01, 0.1]],
  ];

/** See {@linkcode PaperTable}. */
export const SENSITIVITY_TABLE: PaperTable = {
  summary: "how DynAE depends on kappa, gamma and tol, from one pre-training",
  notes: [
    "After the sensitivity study of DynAE's journal version (Neural Networks 130, 2020), whose figures " +
    "and values were not at hand: these values are ours. From k-means, as published; each row differs " +
    "from the profile in one constant.",
  ],
  data: "usps",
  seeds: 5,
  isShared: true,
  headings: ["constant", "value"],
  rows: () =>
    AXES.flatMap(([title, option, values]) =>
      values.map((value): PaperRow => ({
        name: `${option}=${value}`,
        cells: [title, String(value)],
        model: "dynae",
        options: { partition: "kmeans", [option]: value },
      }))
    ),
};
