/** What each part of DynAE adds. */
import type { OptionValues } from "../../models/options.ts";
import type { PaperRow, PaperTable } from "./paper_table.ts";

const PLAIN: OptionValues = { rotation: 0, shift: 0, critic: "off" };

const PARTS: readonly (readonly [name: string, what: string, options: OptionValues])[] = [
  ["whole", "trained critic, augmentation, construction", { critic: "trained" }],
  ["fixed-critic", "critic that does not learn, as the authors' code has it", { critic: "fixed" }],
  ["no-critic", "without critic", { critic: "off" }],
  ["no-augmentation", "without augmentation", { ...PLAIN, critic: "trained" }],
  ["neither", "without augmentation and critic", PLAIN],
  ["no-image-term", "without the image term (gamma 0)", { critic: "trained", gamma: 0 }],
  ["no-drops", "thresholds that never drop so far (the paper's schedule)", {
    critic: "trained",
    schedule: "paper",
  }],
];

/** See {@linkcode PaperTable}. */
export const ABLATION_TABLE: PaperTable = {
  summary: "what critic, augmentation, image term and dropping thresholds add to DynAE",
  notes: [
    "After the ablation of DynAE's journal version (Neural Networks 130, 2020), whose figures were not " +
    "at hand: the parts are ours. From k-means, as published; each row pre-trains a network of its own.",
  ],
  data: "usps",
  seeds: 5,
  headings: ["DynAE"],
  rows: () =>
    PARTS.map(([name, what, options]): PaperRow => ({
      name,
      cells: [what],
      model: "dynae",
      options: { partition: "kmeans", ...options },
    })),
};
