/** How sure the cluster of each row is: by soft assignments, or by distances where there are none. */
import type { Backend } from "../../engine/backend/backend.ts";
import { squaredDistances } from "../../engine/ops/distances.ts";
import type { Estimator, FitResult, Samples } from "../estimator.ts";
import { State } from "../../engine/state/state.ts";
import { Table } from "../../engine/state/table.ts";
import { frameOf, intoFrame } from "../shallow/frame.ts";
import { affinitiesOf } from "../training/whole_pass.ts";

/** How sure the label of each row is: its share of the row, or where assignments are hard, its margin. */
export interface Certainty {
  /** Which of the two. */
  readonly name: "confidence" | "margin";
  /** [n] */
  readonly values: Float32Array;
}

/**
 * How sure the labels of a fit are.
 * @param isSoft Whether the method has soft assignments. @param samples Those that it was fitted on.
 */
export async function certaintyOf(
  estimator: Pick<Estimator, "predictProba">,
  isSoft: boolean,
  samples: Samples,
  { labels, embedding, embeddingSize, clusterCenters }: FitResult,
  backend: Backend,
): Promise<Certainty> {
  if (isSoft) {
    return {
      name: "confidence",
      values: confidenceOf(await estimator.predictProba(samples), labels),
    };
  }
  const values = await marginsOf(backend, embedding, embeddingSize, clusterCenters, labels);
  return { name: "margin", values };
}

/**
 * The share of each row that its cluster has, [n].
 * @param shares Soft assignments, [n, K]. @param labels [n].
 */
export function confidenceOf(shares: Float32Array, labels: Uint32Array): Float32Array {
  const k = shares.length / labels.length;
  return Float32Array.from(labels, (label, i) => shares[i * k + label]);
}

/**
 * 1 − a/b of each row, [n], with a the distance to its own centre and b that to the nearest other one:
 * the silhouette by centres (Hruschka, de Castro and Campello, IEEE ICDM 2004). 1 on the own centre, 0
 * half way to another, below 0 nearer to that; 1 where there is one centre alone.
 * @param rows [n, d] row-major. @param centres [K, d]. @param labels [n], in [0, K).
 */
export async function marginsOf(
  backend: Backend,
  rows: Float32Array,
  d: number,
  centres: Float32Array,
  labels: Uint32Array,
): Promise<Float32Array> {
  const frame = frameOf(rows, d);
  const [n, k] = [labels.length, centres.length / d];
  using table = Table.upload(backend, "rows", intoFrame(rows, frame), n, d);
  using memory = new State(backend);
  const means = memory.variable("centres", [k, d], { data: intoFrame(centres, frame) });
  const margins = new Float32Array(n);
  for (const { first, rows: chunk } of table.chunks) {
    const squared = await affinitiesOf(chunk, means, squaredDistances);
    for (let i = 0; i < chunk.shape[0]; i++) {
      let other = Infinity;
      for (let c = 0; c < k; c++) {
        if (c !== labels[first + i]) other = Math.min(other, squared[i * k + c]);
      }
      margins[first + i] = marginOf(squared[i * k + labels[first + i]], other);
    }
  }
  return margins;
}

/** (b − a)/max(a, b) of squared distances. */
function marginOf(own: number, other: number): number {
  if (own === other) return 0;
  if (other === Infinity) return 1;
  const [a, b] = [Math.sqrt(own), Math.sqrt(other)];
  return (b - a) / Math.max(a, b);
}
