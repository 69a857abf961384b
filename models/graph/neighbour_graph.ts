/**
 * The random walk on the directed graph of nearest neighbours, as agglomerative clustering uses it
 * (Zhang, Zhao, Wang; Pattern Recognition 46(11), 2013).
 */
import { type Edges, reversed } from "./edges.ts";
import type { NearestNeighbours } from "./nearest_neighbours.ts";

/** Smallest weight of the edge from a row to its nearest neighbour. */
const SMALLEST_WEIGHT = 1e-5;

/** z·P, [n, n]: the probabilities of a step, discounted. */
export interface Walk {
  /** n */
  readonly rows: number;
  /** By the row that they begin at; the first of each row leads to itself. */
  readonly leaving: Edges;
  /** By the row that they end at. */
  readonly arriving: Edges;
}

/**
 * P_ij = w_ij/Σ_l w_il with w_ii = 1, w_ij = exp(−d²_ij/σ²) for the neighbours j of i, else 0. σ² is the
 * mean of all these d²_ij, doubled until every row's nearest neighbour has a weight of at least 10⁻⁵.
 *
 * So does the authors' toolbox as DEPICT's code calls it. Their paper prints another rule,
 * σ² = Σ_i Σ_j d²_ij/(3n·(−ln 0.95)) over the 3 nearest neighbours j of each i.
 * @param neighbours Of n rows. @param discount z, in (0, 1).
 */
export function walkOf(
  { count, rows: neighbours, squaredDistances }: NearestNeighbours,
  discount: number,
): Walk {
  const n = neighbours.length / count;
  const degree = count + 1;
  const spread = spreadOf(squaredDistances, count);
  const rows = new Uint32Array(n * degree);
  const weights = new Float64Array(n * degree);
  for (let i = 0; i < n; i++) {
    rows[i * degree] = i;
    weights[i * degree] = 1;
    let sum = 1;
    for (let j = 0; j < count; j++) {
      const weight = Math.exp(-squaredDistances[i * count + j] / spread);
      rows[i * degree + 1 + j] = neighbours[i * count + j];
      weights[i * degree + 1 + j] = weight;
      sum += weight;
    }
    for (let e = i * degree; e < (i + 1) * degree; e++) weights[e] *= discount / sum;
  }
  const first = Uint32Array.from({ length: n + 1 }, (_, i) => i * degree);
  const leaving = { first, rows, weights };
  return { rows: n, leaving, arriving: reversed(leaving) };
}

/** σ² of squared distances [n, k], nearest first; 1 where all are 0. */
function spreadOf(squaredDistances: Float32Array, k: number): number {
  let sum = 0;
  let farthest = 0;
  squaredDistances.forEach((squared, i) => {
    sum += squared;
    if (i % k === 0) farthest = Math.max(farthest, squared);
  });
  let spread = sum / squaredDistances.length;
  if (spread === 0) return 1;
  while (Math.exp(-farthest / spread) < SMALLEST_WEIGHT) spread *= 2;
  return spread;
}
