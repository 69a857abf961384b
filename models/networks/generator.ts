/** Codes that a trained model can draw: around its centroids, and between them. */
import { RandomStream, STREAM } from "../../engine/random.ts";
import { normal } from "../../engine/network/module.ts";

/** Codes with their clusters. */
export interface ClusteredCodes {
  /** [n, p] row-major. */
  readonly codes: Float32Array;
  /** Cluster of each code, [n]. */
  readonly labels: ArrayLike<number>;
  /** [K, p] row-major. */
  readonly centroids: Float32Array;
  /** K */
  readonly clusters: number;
}

/**
 * Codes around each centroid, from the Gaussian of its cluster's covariance: the centroid plus
 * Σ_i ε_i·(z_i − z̄)/√n over the n codes of the cluster, with ε_i from N(0, 1).
 * @param count How many of each cluster. @param seed 32 bits.
 * @returns [K, count, p] row-major; of an empty cluster, its centroid.
 */
export function sampleCodes(
  { codes, labels, centroids, clusters }: ClusteredCodes,
  count: number,
  seed: number,
): Float32Array {
  const p = centroids.length / clusters;
  const samples = new Float32Array(clusters * count * p);
  for (let k = 0; k < clusters; k++) {
    const members = Array.from({ length: codes.length / p }, (_, i) => i)
      .filter((i) => labels[i] === k);
    const mean = new Float64Array(p);
    for (const i of members) {
      for (let j = 0; j < p; j++) mean[j] += codes[i * p + j] / members.length;
    }
    const random = new RandomStream(seed, STREAM.generation, k);
    for (let s = 0; s < count; s++) {
      const noise = normal(1 / Math.sqrt(Math.max(members.length, 1)))([members.length], random);
      for (let j = 0; j < p; j++) {
        let value = centroids[k * p + j];
        members.forEach((i, m) => value += noise[m] * (codes[i * p + j] - mean[j]));
        samples[(k * count + s) * p + j] = value;
      }
    }
  }
  return samples;
}

/**
 * Codes on the straight lines from each centroid to the next, and from the last to the first.
 * @param centroids [K, p]. @param clusters K. @param count Codes of a line, its ends included: ≥ 2.
 * @returns [K, count, p] row-major.
 */
export function interpolateCodes(
  centroids: Float32Array,
  clusters: number,
  count: number,
): Float32Array {
  const p = centroids.length / clusters;
  return Float32Array.from({ length: clusters * count * p }, (_, at) => {
    const j = at % p;
    const share = Math.floor(at / p) % count / (count - 1);
    const from = Math.floor(at / (p * count));
    const to = (from + 1) % clusters;
    return (1 - share) * centroids[from * p + j] + share * centroids[to * p + j];
  });
}
