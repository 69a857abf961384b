/** The slowest vectors of the random walk on a graph. */
import type { RandomStream } from "../../engine/random.ts";
import type { Edges } from "./edges.ts";

/** Degree of the filter, how often it is applied, and the eigenvalue from which on it amplifies. */
const DEGREE = 25;
const ROUNDS = 4;
const CUTOFF = 0.97;

/**
 * Approximate eigenvectors of D^(−1/2)·W·D^(−1/2) to its largest eigenvalues but the first, which are
 * the smallest of the normalised Laplacian, by orthogonal iteration with a Chebyshev polynomial of it
 * (Saad, Mathematics of Computation 42, 1984): its eigenvalues from −1 to 0.97 stay within ±1 and those
 * beyond grow, 1 by e⁶ a round. Of a graph in several parts, the first vectors tell these apart.
 * @param edges Symmetric, of n rows. @param count How many. @returns [n, count] row-major; columns past
 *   the n-th are 0.
 */
export function slowestVectors(
  { first, rows, weights }: Edges,
  count: number,
  random: RandomStream,
): Float64Array {
  const n = first.length - 1;
  const roots = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    for (let e = first[i]; e < first[i + 1]; e++) roots[i] += weights[e];
    // A row without edges stays where it is.
    roots[i] = Math.sqrt(roots[i]) || 1;
  }
  const scaled = new Float64Array(weights.length);
  for (let i = 0; i < n; i++) {
    for (let e = first[i]; e < first[i + 1]; e++) {
      scaled[e] = weights[e] / (roots[i] * roots[rows[e]]);
    }
  }
  const b = Math.min(count + 1, n);
  let block = new Float64Array(n * b);
  for (let i = 0; i < n; i++) {
    block[i * b] = roots[i];
    for (let j = 1; j < b; j++) block[i * b + j] = random.uniform(-1, 1);
  }
  const sum = new Float64Array(b);
  /** factor·(2·S·x − (c − 1)·x)/(c + 1) − minus, in the place of `minus`. */
  const step = (x: Float64Array, minus: Float64Array, factor: number) => {
    const [scale, shift] = [2 * factor / (CUTOFF + 1), factor * (CUTOFF - 1) / (CUTOFF + 1)];
    for (let i = 0; i < n; i++) {
      sum.fill(0);
      for (let e = first[i]; e < first[i + 1]; e++) {
        const other = rows[e] * b;
        for (let j = 0; j < b; j++) sum[j] += scaled[e] * x[other + j];
      }
      for (let j = 0; j < b; j++) {
        minus[i * b + j] = scale * sum[j] - shift * x[i * b + j] - minus[i * b + j];
      }
    }
  };
  orthonormalize(block, b);
  for (let round = 0; round < ROUNDS; round++) {
    let before = block;
    block = new Float64Array(n * b);
    step(before, block, 1);
    for (let degree = 2; degree <= DEGREE; degree++) {
      step(block, before, 2);
      [before, block] = [block, before];
    }
    orthonormalize(block, b);
  }
  return Float64Array.from({ length: n * count }, (_, at) => {
    const [i, j] = [Math.floor(at / count), 1 + at % count];
    return j < b ? block[i * b + j] : 0;
  });
}

/** Makes the columns of [n, b] orthonormal, each in turn to those before it; none that vanishes. */
function orthonormalize(block: Float64Array, b: number): void {
  for (let j = 0; j < b; j++) {
    for (let pass = 0; pass < 2; pass++) {
      const products = new Float64Array(j + 1);
      for (let at = 0; at < block.length; at += b) {
        for (let l = 0; l < j; l++) products[l] += block[at + l] * block[at + j];
      }
      for (let at = 0; at < block.length; at += b) {
        for (let l = 0; l < j; l++) block[at + j] -= products[l] * block[at + l];
      }
    }
    let norm = 0;
    for (let at = j; at < block.length; at += b) norm += block[at] ** 2;
    norm = Math.sqrt(norm);
    for (let at = j; at < block.length; at += b) block[at] = norm > 0 ? block[at] / norm : 0;
  }
}
