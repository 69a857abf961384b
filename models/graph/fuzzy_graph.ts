/**
 * The fuzzy graph of UMAP (McInnes, Healy and Melville, arXiv 1802.03426, section 3.1): how far a row's
 * neighbourhood reaches is measured by the row's own distances.
 */
import { fuzzyWeights } from "../../kernels/fuzzy_weights.ts";
import type { Backend } from "../../engine/backend/backend.ts";
import { callKernel } from "../../engine/ops/call.ts";
import { trace } from "../../engine/planner/program.ts";
import { State } from "../../engine/state/state.ts";
import { type Edges, neighbourEdges, symmetric } from "./edges.ts";
import type { NearestNeighbours } from "./nearest_neighbours.ts";

/** Distances that are on the device at once. */
const BLOCK = 2 ** 22;

/**
 * Symmetric weights w + wᵀ − w∘wᵀ in (0, 1] of w_ij = exp(−max(0, d_ij − ρ_i)/σ_i), with ρ_i the
 * distance to the nearest row in another place and σ_i by bisection so that Σ_j w_ij = log₂ k, but at
 * least 10⁻³ of the mean distance.
 * @param neighbours At least k − 1 others of each row. @param k Neighbours, the row itself counted.
 * @param signal Aborting rejects with its reason.
 * @throws {RangeError} where k is below 2, or there are too few neighbours for it.
 */
export async function fuzzyGraph(
  backend: Backend,
  neighbours: NearestNeighbours,
  k: number,
  signal?: AbortSignal,
): Promise<Edges> {
  const { count } = neighbours;
  if (!(Number.isInteger(k) && k >= 2 && k <= count + 1)) {
    throw new RangeError(
      `fuzzy graph: neighbours must be an integer from 2 to ${
        count + 1
      }, which is those that were ` +
        `searched for and the row itself; got ${k}`,
    );
  }
  const degree = k - 1;
  const weights = await directedWeights(backend, neighbours, degree, signal);
  const directed = neighbourEdges(neighbours, degree, (i, j) => weights[i * degree + j]);
  // w + wᵀ − w∘wᵀ, exactly 1 where either is.
  return symmetric(directed, (a, b) => 1 - (1 - a) * (1 - b));
}

/** w_ij of the first `degree` neighbours: [n, degree]. */
async function directedWeights(
  backend: Backend,
  { count, squaredDistances }: NearestNeighbours,
  degree: number,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const n = squaredDistances.length / count;
  const weights = new Float32Array(n * degree);
  if (n === 0) return weights;
  const block = Math.min(n, Math.ceil(BLOCK / count));
  using memory = new State(backend);
  const squared = memory.variable("fuzzy graph's distances", [block, count], { saved: false });
  const found = memory.variable("fuzzy graph's weights", [block, degree], { saved: false });
  const params = {
    n: block,
    count,
    degree,
    total: Math.log2(degree + 1),
    mean: meanDistance(squaredDistances, count, degree),
  };
  using program = await trace(backend, () => {
    callKernel(fuzzyWeights, params, [squared, found]);
    return {};
  }, "fuzzy graph");
  for (let end = block;; end = Math.min(end + block, n)) {
    signal?.throwIfAborted();
    // The last block has rows of the one before.
    const first = end - block;
    squared.write(squaredDistances.subarray(first * count, end * count));
    program.run();
    weights.set(await found.read(), first * degree);
    if (end === n) return weights;
  }
}

/** The mean of all distances, where a row asks for it: one all of whose neighbours are in its place. */
function meanDistance(squared: Float32Array, count: number, degree: number): number {
  const n = squared.length / count;
  let [isAsked, sum] = [false, 0];
  for (let i = 0; i < n && !isAsked; i++) isAsked = !(squared[i * count + degree - 1] > 0);
  if (!isAsked) return 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < degree; j++) sum += Math.sqrt(squared[i * count + j]);
  }
  return sum / (n * (degree + 1));
}
