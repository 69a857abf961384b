/** k-means++: the best candidate of a round, and the candidates of the next one. */
import { integers, output, values } from "./case_buffers.ts";
import { groupsOf, type KernelCase } from "./kernel.ts";
import { threefry2x32, threefryShader } from "./threefry.ts";
import source from "./kmeans_seed_choose.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

/** Points of a partial sum of `kmeans_seed_distance`. */
const BLOCK = 256;
/** Invocations of the shader's workgroup, each of which draws at most one candidate. */
const MOST_TRIALS = 256;

/**
 * Distances are the integers 0 to `most`, whose sums float32 holds exactly, so that the draws, which
 * compare such sums with u · total, agree but for targets within a rounding of an integer.
 */
function example(
  total: number,
  runs: number,
  trials: number,
  round: number,
  k: number,
  most: number,
): KernelCase {
  const blocks = groupsOf(total, BLOCK);
  const words = new Uint32Array(2);
  const distances = Array.from({ length: runs * trials * total }, (_, i) => {
    threefry2x32(total, round, i, 0, words);
    return words[0] % (most + 1);
  });
  const partials = Array.from({ length: runs * trials * blocks }, (_, i) => {
    const trial = Math.floor(i / blocks), start = (i % blocks) * BLOCK;
    let sum = 0;
    for (let j = start; j < Math.min(total, start + BLOCK); j++) {
      sum += distances[trial * total + j];
    }
    return sum;
  });
  return {
    name: `${total} points, ${runs} runs of ${trials}, round ${round} of ${k}, up to ${most}`,
    params: { total, blocks, runs, trials, k, seed: 11 + total, stream: 5 },
    constants: {},
    buffers: [
      // The other half would be drawn from differently.
      values(
        round % 2 === 0
          ? [...distances, ...distances.map(() => 1)]
          : [...distances.map(() => 1), ...distances],
      ),
      values(partials),
      values([round]),
      output(runs),
      integers(runs * trials, 0, Math.max(0, total - 1)),
      integers(runs * k, 0, 9),
    ],
  };
}

/**
 * Ends round t of greedy k-means++ for every run r; distances are those of half t mod 2:
 *
 * - best_r = the trial with the lowest potential Σ_i distances[r, l, i], ties to the lowest
 * - chosen[r, t] = candidateRows[r, best_r]
 * - candidateRows[r, l] = a new row for every trial l, drawn with probability proportional to
 *   distances[r, best_r, ·]: the first row at which their running sum passes u · potential, found in
 *   the blocks' partial sums and then within a block. Where rounding lets no sum pass, the last row
 *   with a distance above 0. If the potential is not above 0, a uniform row.
 *
 * u and the uniform row come from the two words of Threefry-2x32, key (seed, stream), counter
 * (r·trials + l, t): u = (word₀ >> 8)·2⁻²⁴, row = word₁ mod total (uniform within total/2³²).
 *
 * distances: `[2, runs, trials, total]`, partials: `[runs · trials, blocks]` with
 * blocks = ⌈total/256⌉, round: `[1]` = t < k, best: `[runs]`, candidateRows: `[runs, trials]`,
 * chosen: `[runs, k]`. total ≥ 1, trials ≤ 256.
 *
 * @throws {RangeError} from `workgroups` for more than 256 trials.
 */
export const kmeansSeedChoose: RegisteredKernel = {
  name: "kmeans_seed_choose",
  bindings: [
    { name: "distances", type: "f32", access: "read" },
    { name: "partials", type: "f32", access: "read" },
    { name: "round", type: "u32", access: "read" },
    { name: "best", type: "u32", access: "write" },
    { name: "candidateRows", type: "u32", access: "update" },
    { name: "chosen", type: "u32", access: "update" },
  ],
  params: [
    { name: "total", type: "u32" },
    { name: "blocks", type: "u32" },
    { name: "runs", type: "u32" },
    { name: "trials", type: "u32" },
    { name: "k", type: "u32" },
    { name: "seed", type: "u32" },
    { name: "stream", type: "u32" },
  ],
  constants: {},
  shaders: [{
    head: [threefryShader],
    file: "kmeans_seed_choose.wgsl",
    source,
    workgroups({ runs, trials }) {
      if (trials > MOST_TRIALS) {
        throw new RangeError(
          `kmeans_seed_choose: expected at most ${MOST_TRIALS} trials, got ${trials}`,
        );
      }
      return runs;
    },
  }],
  lengths: ({ total, blocks, runs, trials, k }) => [
    2 * runs * trials * total,
    runs * trials * blocks,
    1,
    runs,
    runs * trials,
    runs * k,
  ],
  extent: ({ runs }) => runs,
  reference(buffers, params, _constants, begin, end) {
    const [distances, partials, round, best, candidateRows, chosen] = buffers;
    const { total, blocks, runs, trials, k, seed, stream } = params;
    const half = (round[0] % 2) * runs * trials * total;
    const words = new Uint32Array(2);
    for (let r = begin; r < end; r++) {
      let winner = 0, potential = 0;
      for (let l = 0; l < trials; l++) {
        let sum = 0;
        for (let b = 0; b < blocks; b++) sum += partials[(r * trials + l) * blocks + b];
        if (l === 0 || sum < potential) {
          potential = sum;
          winner = l;
        }
      }
      const trial = r * trials + winner;
      best[r] = winner;
      chosen[r * k + round[0]] = candidateRows[trial];
      for (let l = 0; l < trials; l++) {
        threefry2x32(seed, stream, r * trials + l, round[0], words);
        let row = words[1] % total;
        if (potential > 0) {
          let target = (words[0] >>> 8) * 2 ** -24 * potential;
          const block = draw(partials, trial * blocks, blocks, target);
          target -= block.before;
          const start = block.index * BLOCK;
          const count = Math.min(BLOCK, total - start);
          row = start + draw(distances, half + trial * total + start, count, target).index;
        }
        candidateRows[r * trials + l] = row;
      }
    }
  },
  cases: () => [
    example(1, 1, 1, 0, 1, 5),
    example(3, 2, 2, 1, 3, 0),
    example(255, 1, 3, 0, 4, 1),
    example(257, 3, 4, 2, 5, 9),
    example(1000, 2, 5, 9, 10, 3),
    example(300, 5, 4, 1, 2, 1),
    example(513, 2, 256, 1, 3, 7),
    example(20_011, 5, 4, 3, 10, 8),
  ],
  tolerance: () => ({ absolute: 0, relative: 0 }),
  cost: ({ total, blocks, runs, trials }) => ({
    flops: runs * trials * (2 * blocks + Math.min(BLOCK, total)),
    bytes: 4 * runs * trials * (blocks + Math.min(BLOCK, total) + 2),
  }),
};

/**
 * The first of `count` weights at which the running sum passes `target`, else the last weight above
 * 0, else 0; and the sum before it.
 */
function draw(
  weights: ArrayLike<number>,
  start: number,
  count: number,
  target: number,
): { index: number; before: number } {
  let index = 0, before = 0, sum = 0;
  for (let i = 0; i < count; i++) {
    const weight = weights[start + i];
    if (weight > 0) {
      index = i;
      before = sum;
    }
    sum += weight;
    if (sum > target) break;
  }
  return { index, before };
}
