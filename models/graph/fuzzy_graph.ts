/**
 * The fuzzy graph of UMAP (McInnes, Healy and Melville, arXiv 1802.03426, section 3.1): how far a row's
 * neighbourhood reaches is measured by the row's own distances.
 */
import { type Edges, neighbourEdges, symmetric } from "./edges.ts";
import type { NearestNeighbours } from "./nearest_neighbours.ts";

/** The method's code: bisections at most, how near Σ_j w_ij has to come, and the least σ. */
const BISECTIONS = 64;
const NEAR_ENOUGH = 1e-5;
const LEAST_SCALE = 1e-3;

/**
 * Symmetric weights w + wᵀ − w∘wᵀ in (0, 1] of w_ij = exp(−max(0, d_ij − ρ_i)/σ_i), with ρ_i the
 * distance to the nearest row in another place and σ_i by bisection so that Σ_j w_ij = log₂ k, but at
 * least 10⁻³ of the mean distance.
 * @param neighbours At least k − 1 others of each row. @param k Neighbours, the row itself counted.
 * @throws {RangeError} where k is below 2, or there are too few neighbours for it.
 */
export function fuzzyGraph(neighbours: NearestNeighbours, k: number): Edges {
  const { count, squaredDistances } = neighbours;
  if (!(Number.isInteger(k) && k >= 2 && k <= count + 1)) {
    throw new RangeError(
      `fuzzy graph: neighbours must be an integer from 2 to ${
        count + 1
      }, which is those that were ` +
        `searched for and the row itself; got ${k}`,
    );
  }
  const n = squaredDistances.length / count;
  const distances = new Float64Array(squaredDistances);
  for (let place = 0; place < distances.length; place++) {
    distances[place] = Math.sqrt(distances[place]);
  }
  let sum = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < k - 1; j++) sum += distances[i * count + j];
  }
  const mean = sum / (n * k);
  const nearest = new Float64Array(n);
  const scales = new Float64Array(n);
  const beyond = new Float64Array(k - 1);
  for (let i = 0; i < n; i++) {
    const first = i * count;
    let sum = 0;
    for (let place = first + k - 2; place >= first; place--) {
      if (distances[place] > 0) nearest[i] = distances[place];
    }
    for (let j = 0; j < k - 1; j++) {
      sum += distances[first + j];
      beyond[j] = distances[first + j] - nearest[i];
    }
    const least = nearest[i] > 0 ? sum / k : mean;
    scales[i] = Math.max(scaleOf(beyond, Math.log2(k)), LEAST_SCALE * least);
  }
  const directed = neighbourEdges(neighbours, k - 1, (i, place) => {
    const further = distances[place] - nearest[i];
    return further <= 0 || scales[i] === 0 ? 1 : Math.exp(-further / scales[i]);
  });
  // w + wᵀ − w∘wᵀ, exactly 1 where either is.
  return symmetric(directed, (a, b) => 1 - (1 - a) * (1 - b));
}

/** σ with Σ_j exp(−max(0, b_j)/σ) = total, as near as bisection from 1 on gets. */
function scaleOf(beyond: Float64Array, total: number): number {
  let [low, high, scale] = [0, Infinity, 1];
  for (let i = 0; i < BISECTIONS; i++) {
    let sum = 0;
    for (let j = 0; j < beyond.length; j++) {
      sum += beyond[j] > 0 ? Math.exp(-beyond[j] / scale) : 1;
    }
    if (Math.abs(sum - total) < NEAR_ENOUGH) break;
    if (sum > total) high = scale;
    else low = scale;
    scale = high === Infinity ? 2 * scale : (low + high) / 2;
  }
  return scale;
}
