/**
 * Random numbers on the host from the generator that the kernels use: Threefry-2x32 with 20 rounds
 * (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011), key (seed, stream),
 * counter (block, step).
 */
import { threefry2x32 } from "../kernels/threefry.ts";

/** The streams of a run: each use has its own, so that adding one changes no other. */
export const STREAM = {
  parameters: 0x100,
  batches: 1,
  transforms: 2,
  interpolation: 3,
  mix: 4,
  kmeans: 5,
  audit: 6,
  sample: 7,
  windows: 8,
  corruption: 9,
  inputDropout: 10,
  hiddenDropout: 11,
  centroids: 12,
  latent: 13,
  generation: 14,
  labels: 15,
  heldOut: 16,
  layout: 17,
  labelledTransforms: 18,
} as const;

/** Numbers of one stream, in order. Equal to `randomUniform` of the same key at step `step`. */
export class RandomStream {
  private readonly words = new Uint32Array(2);
  private index = 0;

  /**
   * Starts at the stream's first number.
   * @param seed 32-bit seed. @param stream Which stream. @param step The counter's second word.
   * @throws {RangeError} where the seed is no integer in [0, 2³²).
   */
  constructor(readonly seed: number, readonly stream: number, readonly step = 0) {
    checkSeed(seed);
  }

  /** The next 32 bits. */
  next(): number {
    const word = this.index & 1;
    if (word === 0) {
      threefry2x32(this.seed, this.stream, this.index >>> 1, this.step, this.words);
    }
    this.index++;
    return this.words[word];
  }

  /** The next number in [low, high), on a grid of 2⁻²⁴. */
  uniform(low = 0, high = 1): number {
    return low + (high - low) * ((this.next() >>> 8) * 2 ** -24);
  }

  /** The next integer in [0, n). */
  below(n: number): number {
    return Math.floor(this.uniform() * n);
  }
}

/** @throws {RangeError} where the seed is no integer in [0, 2³²). */
export function checkSeed(seed: number): void {
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
    throw new RangeError(`seed must be an integer from 0 to 4294967295, got ${seed}`);
  }
}
