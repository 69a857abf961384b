/** Feature randomness and feature drift over the steps. */
import { chartsBySet, loggedPoints } from "./first_seed.ts";
import type { PaperRow, PaperTable } from "./paper_table.ts";
import { DYNAE_FEATURES } from "./published.ts";

/** What is drawn: by the definition that all methods share, and by that of DynAE's code. */
const FIGURES = [
  ["fr", "feature randomness (arXiv 1909.11832)", "featureRandomness"],
  ["fd", "feature drift (arXiv 1909.11832)", "featureDrift"],
  ["fr-own", "feature randomness in the form of DynAE's code", "ownFeatureRandomness"],
  ["fd-own", "feature drift in the form of DynAE's code", "ownFeatureDrift"],
] as const;

/** See {@linkcode PaperTable}. */
export const FEATURES_TABLE: PaperTable = {
  summary: "feature randomness and feature drift of IDEC and DynAE over the steps, from one start",
  notes: [
    "After the curves of FR and FD in DynAE's repository. All start from " +
    "one pre-trained network a seed and, as published, from k-means on its code. The table has the last " +
    "check, the pictures all checks of seed 0.",
  ],
  data: "usps,mnist-test",
  seeds: 5,
  isShared: true,
  headings: ["model"],
  published: DYNAE_FEATURES,
  rows: () =>
    ["idec", "dynae"].map((model): PaperRow => ({
      name: model,
      cells: [model],
      model,
      options: { partition: "kmeans", featureDiagnostics: true },
    })),
  pictures: (runs, note) =>
    FIGURES.reduce((charts, [file, title, measure]) => ({
      ...charts,
      ...chartsBySet(runs, note, {
        file,
        title,
        x: "steps of clustering",
        y: "cosine of gradients",
        linesOf: (run) => [{ name: run.title, points: loggedPoints(run, measure) }],
      }),
    }), {}),
};
