/** What the page draws of all rows, out of snapshots and results. */
import type { Dataset } from "../../../datasets/dataset.ts";
import type { FitResult, TrainingSnapshot } from "../../../models/estimator.ts";
import type { View } from "../messages.ts";
import { Projection } from "./projection.ts";

/** Phases before there are clusters. */
const isBeforeClusters = (phase: string) => phase.startsWith("pre-training");

/** Makes the views of one run. */
export class Views {
  private readonly projection = new Projection();

  /** `clusters` is K. */
  constructor(private readonly dataset: Dataset, private readonly clusters: number) {}

  /** Of a check. */
  ofSnapshot({ phase, step, labels, codes }: TrainingSnapshot): View {
    const hasClusters = !isBeforeClusters(phase);
    const images = hasClusters ? this.meanImages(labels) : undefined;
    return {
      moment: `${phase}, step ${step}`,
      points: this.projection.project(codes, codes.length / this.dataset.n),
      ...hasClusters && { labels },
      ...images && { images },
      isDecoded: false,
    };
  }

  /** Of the end. */
  ofResult({ labels, embedding, embeddingSize, prototypes }: FitResult): View {
    const isImage = this.dataset.height !== undefined;
    const images = isImage ? prototypes ?? this.meanImages(labels) : undefined;
    return {
      moment: "the end",
      points: this.projection.project(embedding, embeddingSize),
      labels,
      ...images && { images },
      isDecoded: prototypes !== undefined,
    };
  }

  /** The mean of each cluster's rows, [K, d]; undefined where they are no images. */
  private meanImages(labels: Uint32Array): Float32Array | undefined {
    const { data, n, d, height } = this.dataset;
    if (height === undefined) return undefined;
    const sums = new Float64Array(this.clusters * d);
    const sizes = new Uint32Array(this.clusters);
    for (let i = 0; i < n; i++) {
      const [from, to] = [i * d, labels[i] * d];
      for (let j = 0; j < d; j++) sums[to + j] += data[from + j];
      sizes[labels[i]]++;
    }
    return Float32Array.from(sums, (sum, i) => sum / Math.max(1, sizes[Math.floor(i / d)]));
  }
}
