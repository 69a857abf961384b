/** Scores of a partition against true classes, for logs and tables; training never sees them. */
import type { LogRow, Scores } from "../estimator.ts";
import { accuracy, adjustedRandIndex, normalizedMutualInformation } from "./metrics.ts";

/** ACC, NMI (arithmetic mean) and ARI of `labels` [n] against `truth` [n]. */
export function score(truth: ArrayLike<number>, labels: ArrayLike<number>): Scores {
  return {
    acc: accuracy(truth, labels),
    nmi: normalizedMutualInformation(truth, labels),
    ari: adjustedRandIndex(truth, labels),
  };
}

/** The rows where `keep(i)`; scores of none are null. */
function subset(truth: ArrayLike<number>, labels: ArrayLike<number>, keep: (i: number) => boolean) {
  const rows = Array.from({ length: labels.length }, (_, i) => i).filter(keep);
  if (rows.length === 0) return { acc: null, nmi: null, ari: null };
  return score(rows.map((i) => truth[i]), rows.map((i) => labels[i]));
}

/**
 * Scores for a log row: of all rows, of the unconflicted ones (suffix U) and the conflicted (C).
 * @param mask 1 where unconflicted, [n].
 */
export function scoreBySubset(
  truth: ArrayLike<number>,
  labels: ArrayLike<number>,
  mask: ArrayLike<number>,
): LogRow {
  const unconflicted = subset(truth, labels, (i) => mask[i] === 1);
  const conflicted = subset(truth, labels, (i) => mask[i] !== 1);
  return {
    ...score(truth, labels),
    accU: unconflicted.acc,
    nmiU: unconflicted.nmi,
    ariU: unconflicted.ari,
    accC: conflicted.acc,
    nmiC: conflicted.nmi,
    ariC: conflicted.ari,
  };
}
