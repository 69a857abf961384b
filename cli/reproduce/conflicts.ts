/** Conflicted and unconflicted samples over DynAE's steps, with the updates marked. */
import { chartsBySet, loggedPoints } from "./first_seed.ts";
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
  ours({ log }) {
    const checks = log.filter(({ phase, conflicted }) =>
      phase === "clustering" && typeof conflicted === "number"
    );
    if (checks.length === 0) return undefined;
    const drops = checks.filter(({ update }) => update === true);
    const counts = [checks[0], ...drops, checks.at(-1)!].map(({ conflicted }) => conflicted);
    const steps = drops.map(({ step }) => step);
    return counts.join(" → ") + (steps.length === 0 ? "" : ` (${steps.join(", ")})`);
  },
  rows: () => [
    { name: "dynae", cells: ["dynae"], model: "dynae", options: { partition: "kmeans" } },
  ],
  pictures: (runs, note) =>
    chartsBySet(runs, note, {
      file: "conflicts",
      title: "conflicted samples (dots: updates)",
      x: "steps of clustering",
      y: "samples",
      linesOf(run) {
        const marks = run.log.flatMap(({ update, step }) => update === true ? [Number(step)] : []);
        return ["conflicted", "unconflicted"].map((name) => ({
          name,
          points: loggedPoints(run, name),
          marks,
        }));
      },
    }),
};
