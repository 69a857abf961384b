/** How well a partition agrees with a graph, without labels. */
import { type Edges, neighbourEdges, symmetric } from "./edges.ts";
import type { NearestNeighbours } from "./nearest_neighbours.ts";

/** Edges of weight 1 between rows of which one is among the other's nearest `degree`. */
export function neighbourhoods(neighbours: NearestNeighbours, degree: number): Edges {
  return symmetric(neighbourEdges(neighbours, degree, () => 1), Math.max);
}

/**
 * Σ_k cut(k)/vol(k) (Shi and Malik, IEEE PAMI 22(8), 2000): of the weights at the rows of a cluster,
 * the share of edges that leave it. It is in [0, K]; a cluster without edges counts as 1, so that
 * leaving clusters empty does not pay.
 * @param edges Symmetric, of n rows. @param labels [n], in [0, K). @param clusters K.
 * @throws {RangeError} for another number of labels, or a label out of range.
 */
export function normalizedCut(
  { first, rows, weights }: Edges,
  labels: ArrayLike<number>,
  clusters: number,
): number {
  const n = first.length - 1;
  if (labels.length !== n) {
    throw new RangeError(`normalised cut: ${n} rows need as many labels, got ${labels.length}`);
  }
  const cuts = new Float64Array(clusters);
  const volumes = new Float64Array(clusters);
  for (let i = 0; i < n; i++) {
    const label = labels[i];
    if (!(label >= 0 && label < clusters)) {
      throw new RangeError(
        `normalised cut: labels must be from 0 to ${clusters - 1}, got ${label} at row ${i}`,
      );
    }
    for (let e = first[i]; e < first[i + 1]; e++) {
      volumes[label] += weights[e];
      if (labels[rows[e]] !== label) cuts[label] += weights[e];
    }
  }
  return cuts.reduce((sum, cut, k) => sum + (volumes[k] > 0 ? cut / volumes[k] : 1), 0);
}

/**
 * Of each row's nearest `count` others, the share that has the row's own label, [n].
 * @param neighbours At least `count` of each of n rows. @param labels [n].
 */
export function agreementOf(
  neighbours: NearestNeighbours,
  labels: ArrayLike<number>,
  count: number,
): Float32Array {
  return Float32Array.from(labels, (label, i) => {
    let equal = 0;
    for (let j = 0; j < count; j++) {
      if (labels[neighbours.rows[i * neighbours.count + j]] === label) equal++;
    }
    return equal / count;
  });
}
