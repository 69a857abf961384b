/**
 * Rows like the codes of an autoencoder: overlapping blobs of unequal size and spread. They follow
 * from integers by exact arithmetic, so that the peers in Python make the same ones.
 */

/** How many rows, of what. */
export interface CodeOptions {
  readonly rows: number;
  readonly columns: number;
  readonly clusters: number;
  /** Standard deviation of the centres; that of a blob is ½ to 1½ a column. */
  readonly spread: number;
  readonly seed: number;
}

/** 32 mixed bits of a number: the finalizer of MurmurHash3. */
function mix(value: number): number {
  let h = value >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Uniform in [0, 1) on a grid of 2⁻²⁴: number `index` of a stream. */
function uniform(stream: number, index: number): number {
  return (mix((mix(stream) + index) >>> 0) >>> 8) * 2 ** -24;
}

/** Mean 0 and variance 1: the sum of four uniform numbers. */
function normal(stream: number, index: number): number {
  let sum = -2;
  for (let i = 0; i < 4; i++) sum += uniform(stream, (4 * index + i) >>> 0);
  return sum * Math.sqrt(3);
}

/** The rows, and the centres that they lie around; both row-major. */
export function makeCodes(
  { rows, columns, clusters, spread, seed }: CodeOptions,
): { data: Float32Array; centres: Float32Array } {
  const centres = Float32Array.from(
    { length: clusters * columns },
    (_, i) => spread * normal(4 * seed, i),
  );
  const widths = Array.from(centres, (_, i) => 0.5 + uniform(4 * seed + 1, i));
  const data = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const share = uniform(4 * seed + 2, row);
    const first = Math.floor(clusters * share * share) * columns;
    for (let j = 0; j < columns; j++) {
      const i = row * columns + j;
      data[i] = centres[first + j] + widths[first + j] * normal(4 * seed + 3, i);
    }
  }
  return { data, centres };
}
