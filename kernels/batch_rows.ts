/** The rows of a step's batch, from the step number. */
import { output, values } from "./case_buffers.ts";
import { groupsOf, type KernelCase } from "./kernel.ts";
import { threefry2x32, threefryShader } from "./threefry.ts";
import source from "./batch_rows.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

/** Values of the parameter `mode`. */
export const BATCH_ORDER = {
  /** Consecutive rows, the same batches in every epoch. */
  sequential: 0,
  /** A new permutation of all rows in every epoch. */
  shuffled: 1,
  /** The batches of `sequential`, their rows permuted anew in every step. */
  shuffledWithin: 2,
} as const;

/** Half of the smallest even number of bits, at least 2, that holds size − 1. */
export function halfBits(size: number): number {
  const bits = size > 1 ? 32 - Math.clz32(size - 1) : 0;
  return Math.max(1, (bits + 1) >>> 1);
}

/** Where Threefry writes; allocated once because every row needs several of its outputs. */
const words = new Uint32Array(2);

/**
 * A pseudo-random permutation of [0, size), evaluated at one place: a Feistel network of four
 * rounds on the smallest even number of bits that holds size − 1, with Threefry-2x32 as its round
 * function, applied again while the result is not below size. A Feistel network is a bijection
 * whatever its round function, and cycle walking keeps it one (Black and Rogaway, Ciphers with
 * arbitrary finite domains, 2002).
 *
 * @param index below `size`
 * @param size at least 1
 * @param key0 first word of the key
 * @param key1 second word of the key
 * @param tweak chooses one of 2³² permutations of the key
 * @returns the image of `index`
 */
export function permute(
  index: number,
  size: number,
  key0: number,
  key1: number,
  tweak: number,
): number {
  const half = halfBits(size);
  const mask = 2 ** half - 1;
  let value = index;
  do {
    let left = value >>> half;
    let right = value & mask;
    for (let round = 0; round < 4; round++) {
      threefry2x32(key0, key1, (round << 16) | right, tweak, words);
      const mixed = left ^ (words[0] & mask);
      left = right;
      right = mixed;
    }
    value = ((left << half) | right) >>> 0;
  } while (value >= size);
  return value;
}

function example(
  name: string,
  step: number,
  mode: number,
  total: number,
  batch: number,
  count = batch,
): KernelCase {
  const batches = Math.max(1, Math.floor(total / batch));
  return {
    name,
    params: { count, total, batch, batches, mode, seed: 20260 + total, stream: 7 },
    constants: {},
    buffers: [values([step]), output(count)],
  };
}

/**
 * Row numbers of a batch, with s = step mod batches, i < count:
 *
 * - mode 0, sequential: (s·batch + i) mod total
 * - mode 1, shuffled: {@linkcode permute}((s·batch + i) mod total, total), tweak = ⌊step / batches⌋,
 *   so that an epoch of ⌊total / batch⌋ batches visits no row twice
 * - mode 2, shuffled within the batch: s·batch + permute(i, count), tweak = step
 *
 * step: `[1]`, rows: `[count]`. The key of the permutations is (seed, stream).
 */
export const batchRows: RegisteredKernel = {
  name: "batch_rows",
  bindings: [
    { name: "step", type: "u32", access: "read" },
    { name: "rows", type: "u32", access: "write" },
  ],
  params: [
    { name: "count", type: "u32" },
    { name: "total", type: "u32" },
    { name: "batch", type: "u32" },
    { name: "batches", type: "u32" },
    { name: "mode", type: "u32" },
    { name: "seed", type: "u32" },
    { name: "stream", type: "u32" },
  ],
  constants: {},
  shaders: [{
    head: [threefryShader],
    file: "batch_rows.wgsl",
    source,
    workgroups: ({ count }) => groupsOf(count, 64),
  }],
  lengths: ({ count }) => [1, count],
  extent: ({ count }) => count,
  reference([step, rows], params, _constants, begin, end) {
    const { count, total, batch, batches, mode, seed, stream } = params;
    const start = (step[0] % batches) * batch;
    const epoch = Math.floor(step[0] / batches);
    for (let i = begin; i < end; i++) {
      if (mode === BATCH_ORDER.shuffled) {
        rows[i] = permute((start + i) % total, total, seed, stream, epoch);
      } else if (mode === BATCH_ORDER.shuffledWithin) {
        rows[i] = start + permute(i, count, seed, stream, step[0]);
      } else {
        rows[i] = (start + i) % total;
      }
    }
  },
  cases: () => [
    example("sequential, 1 of 1", 5, BATCH_ORDER.sequential, 1, 1),
    example("sequential, 64 of 1000, wraps", 29, BATCH_ORDER.sequential, 1000, 64, 130),
    example("shuffled, 1 of 1", 3, BATCH_ORDER.shuffled, 1, 1),
    example("shuffled, all of 2", 4, BATCH_ORDER.shuffled, 2, 2),
    example("shuffled, 65 of 257", 11, BATCH_ORDER.shuffled, 257, 65),
    example("shuffled, 256 of 70,000", 123_456, BATCH_ORDER.shuffled, 70_000, 256),
    example("shuffled, 4096 of 2³¹", 7, BATCH_ORDER.shuffled, 2 ** 31, 4096),
    example("shuffled within, 1 of 9", 2, BATCH_ORDER.shuffledWithin, 9, 1),
    example(
      "shuffled within, 256 of 70,000",
      4_000_000_000,
      BATCH_ORDER.shuffledWithin,
      70_000,
      256,
    ),
    example("shuffled within, last 63", 7, BATCH_ORDER.shuffledWithin, 575, 64, 63),
    example("no rows", 1, BATCH_ORDER.shuffled, 10, 10, 0),
  ],
  tolerance: () => ({ absolute: 0, relative: 0 }),
  cost: ({ count }) => ({ flops: 0, bytes: 4 * (count + 1) }),
};
