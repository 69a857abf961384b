/**
 * Segmentation of an image by the Clustering Module on its patches: γ is the map of classes, the
 * centroids are prototypical patches (from the slides of AE-CM's authors, which print no values; what
 * they leave open is chosen here, as each option's source says).
 */
import { openDevice } from "../../engine/device.ts";
import { assign } from "../../engine/ops/call.ts";
import { matmul } from "../../engine/ops/matmul.ts";
import { trace } from "../../engine/planner/program.ts";
import { State } from "../../engine/state/state.ts";
import type { Backend } from "../../engine/backend/backend.ts";
import { CM } from "../cm.ts";
import { CM_OPTIONS, type CMOptions } from "../cm_options.ts";
import type { FitContext } from "../estimator.ts";
import {
  channelStatistics,
  crop,
  type Image,
  PatchGrid,
  type RowScale,
  standardizeRows,
} from "./image_patches.ts";
import { OptionError, resolveOptions, type Specs } from "../options.ts";
import { PrototypeCM } from "./prototype_cm.ts";

/** Contrast of a patch, in deviations of the image, below which normalisation does not raise it. */
const LEAST_CONTRAST = 0.05;

/** A pixel of the image: column x and row y from its upper left corner. */
export type Point = readonly [x: number, y: number];

/** Options of {@linkcode segment}. */
export interface SegmentationOptions extends
  Pick<
    CMOptions,
    | "clusters"
    | "nInit"
    | "prior"
    | "steps"
    | "batchSize"
    | "learningRate"
    | "epsilon"
    | "seed"
  > {
  /** Rows and columns of pixels of a patch. */
  readonly patchSize: number;
  /** Pixels from one patch to the next. */
  readonly stride: number;
  /** Whether each patch is moved to mean 0 and divided by its deviation. */
  readonly normalizePatches: boolean;
}

const CHOSEN = "chosen here; the slides print none";

/** Every option, with its default and where that comes from. */
export const SEGMENTATION_OPTIONS: Specs<SegmentationOptions> = {
  clusters: {
    ...CM_OPTIONS.clusters,
    default: 4,
    description: "number of classes, K",
    source: CHOSEN,
  },
  patchSize: {
    type: "integer",
    default: 8,
    min: 1,
    description: "rows and columns of pixels of a patch",
    source: CHOSEN,
  },
  stride: {
    type: "integer",
    default: 2,
    min: 1,
    description: "pixels from one patch to the next; at most the patch size",
    source: CHOSEN,
  },
  normalizePatches: {
    type: "boolean",
    default: false,
    description: "move each patch to mean 0 and variance 1, so that brightness does not count",
    source: CHOSEN,
  },
  nInit: {
    ...CM_OPTIONS.nInit,
    default: 10,
    description: "draws of k-means++ seeds, of which that of least inertia is taken",
    source: CHOSEN,
  },
  prior: {
    ...CM_OPTIONS.prior,
    default: 1.1,
    description: "concentration of the Dirichlet prior, above 1 against classes without pixels",
    source: "CM's PyTorch example",
  },
  steps: { ...CM_OPTIONS.steps, default: 1000, source: CHOSEN },
  batchSize: { ...CM_OPTIONS.batchSize, description: "patches of a batch" },
  learningRate: CM_OPTIONS.learningRate,
  epsilon: CM_OPTIONS.epsilon,
  seed: CM_OPTIONS.seed,
};

/** What became of an image of H × W pixels. */
export interface Segmentation {
  /** K */
  readonly clusters: number;
  /** The class of every pixel, by the largest of the soft maps; [H, W]. */
  readonly labels: Uint32Array;
  /** γ of every pixel, the mean over the patches that hold it; [H, W, K]. */
  readonly soft: Float32Array;
  /** The image as the prototypes draw it: the overlap-average of Σ_k γ_ik·μ_k, [H, W, channels]. */
  readonly reconstruction: Float32Array;
  /** The prototypes μ_k in units of the image's deviation, [K, patchSize·patchSize·channels]. */
  readonly prototypes: Float32Array;
}

/**
 * Segments an image. It is standardised by channel first, so that the prior's weight does not depend
 * on the range of the values.
 * @param prototypes In `options`: pixels whose surrounding patches are the prototypes. They stay as
 *   they are, one class each, and the assignments alone are learned. None: all is learned.
 * @param context Device, events, abort signal.
 * @throws {RangeError} naming what does not fit: an option, the image, or a point.
 * @throws {InterruptedError} where `context.signal` aborts.
 */
export async function segment(
  image: Image,
  { prototypes: points = [], ...given }: Partial<SegmentationOptions> & {
    readonly prototypes?: readonly Point[];
  } = {},
  context: Pick<FitContext, "backend" | "device" | "signal" | "onEvent"> = {},
): Promise<Segmentation> {
  checkImage(image);
  const clusters = points.length > 0 ? points.length : given.clusters;
  if (points.length > 0 && (given.clusters ?? clusters) !== clusters) {
    throw new OptionError(
      "segment",
      "clusters",
      `is ${given.clusters}, and ${points.length} prototypes make as many classes`,
    );
  }
  const options = resolveOptions<SegmentationOptions>("segment", SEGMENTATION_OPTIONS, {
    ...given,
    ...clusters !== undefined && { clusters },
  });
  const { patchSize, stride, normalizePatches, ...training } = options;
  const grid = new PatchGrid(image, patchSize, stride);
  const statistics = channelStatistics(image);
  const standard = standardized(image, statistics);
  const d = patchSize ** 2 * image.channels;
  const prepare = (patches: Float32Array) =>
    normalizePatches ? standardizeRows(patches, d, LEAST_CONTRAST) : undefined;
  const settings = { ...training, init: "posterior", normalize: true } as const;
  const picked = points.map((point) => patchAround(standard, point, patchSize));
  picked.forEach(prepare);
  const model = points.length > 0
    ? new PrototypeCM(Float32Array.from(picked.flatMap((patch) => [...patch])), settings)
    : new CM(settings);
  const data = grid.extract(standard);
  const scales = prepare(data);
  const backend = context.backend ?? await openDevice(context.device);
  try {
    const { embedding: gamma, prototypes } = await model.fit(
      { data, n: grid.count, d },
      { ...context, backend },
    );
    const drawn = await mixtures(backend, gamma, prototypes!, options.clusters);
    const { channels } = image;
    const soft = grid.overlapAverage(
      options.clusters,
      (patch, _pixel, k) => gamma[patch * options.clusters + k],
    );
    const reconstruction = grid.overlapAverage(channels, (patch, pixel, a) => {
      const value = drawn[patch * d + pixel * channels + a];
      const own = scales ? value * scales.deviations[patch] + scales.means[patch] : value;
      return own * statistics.deviations[a] + statistics.means[a];
    });
    const labels = largest(soft, options.clusters);
    return { clusters: options.clusters, labels, soft, reconstruction, prototypes: prototypes! };
  } finally {
    await model.dispose();
    if (!context.backend) await backend.dispose();
  }
}

function checkImage({ data, height, width, channels }: Image): void {
  if (data.length !== height * width * channels) {
    throw new RangeError(
      `segment: ${height} × ${width} pixels of ${channels} channels need ` +
        `${height * width * channels} values, the image has ${data.length}`,
    );
  }
  const place = data.findIndex((value) => !Number.isFinite(value));
  if (place < 0) return;
  const pixel = Math.floor(place / channels);
  throw new RangeError(
    `segment: the image's values must be finite; that of pixel ${pixel % width},` +
      `${Math.floor(pixel / width)} in channel ${place % channels} is ${data[place]}`,
  );
}

function standardized(image: Image, { means, deviations }: RowScale): Image {
  const { data, channels } = image;
  const values = data.map((value, i) => (value - means[i % channels]) / deviations[i % channels]);
  return { ...image, data: values };
}

/** The patch around a pixel, moved inwards at the image's edge. */
function patchAround(image: Image, [x, y]: Point, size: number): Float32Array {
  const { height, width } = image;
  const isInside = (value: number, end: number) =>
    Number.isInteger(value) && value >= 0 && value < end;
  if (!isInside(x, width) || !isInside(y, height)) {
    throw new RangeError(
      `segment: a prototype must be a pixel of the image, ${width} wide and ${height} high; ` +
        `got ${x},${y}`,
    );
  }
  const start = (center: number, length: number) =>
    Math.max(0, Math.min(length - size, center - Math.floor(size / 2)));
  return crop(image, start(y, height), start(x, width), size);
}

/** γU: [n, K] by [K, d]. */
async function mixtures(
  backend: Backend,
  gamma: Float32Array,
  centroids: Float32Array,
  clusters: number,
): Promise<Float32Array> {
  const [n, d] = [gamma.length / clusters, centroids.length / clusters];
  using memory = new State(backend);
  const shares = memory.variable("shares", [n, clusters], { data: gamma });
  const prototypes = memory.variable("prototypes", [clusters, d], { data: centroids });
  const drawn = memory.variable("mixtures", [n, d]);
  using program = await trace(backend, () => {
    assign(drawn, matmul(shares, prototypes));
    return {};
  }, "mixtures");
  program.run();
  return Float32Array.from(await drawn.read());
}

/** The column of the largest value of each row, the first of equals: [n, width] -> [n]. */
function largest(rows: Float32Array, width: number): Uint32Array {
  return Uint32Array.from({ length: rows.length / width }, (_, i) => {
    let best = i * width;
    for (let j = best + 1; j < (i + 1) * width; j++) if (rows[j] > rows[best]) best = j;
    return best - i * width;
  });
}
