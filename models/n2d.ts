/**
 * N2D: (Not Too) Deep Clustering (McConville, Santos-Rodríguez, Piechocki and Craddock; ICPR 2020, arXiv
 * 1908.05968). An autoencoder is trained; the nearest neighbours of the codes are laid out as UMAP does;
 * the clusters are the components of a Gaussian mixture on the layout. Nothing is trained jointly.
 *
 * The authors' script lays out in 2 dimensions by 10 neighbours; the paper says K and 20, which are the
 * defaults here.
 */
import type { Backend } from "../engine/backend/backend.ts";
import type { State } from "../engine/state/state.ts";
import { Table } from "../engine/state/table.ts";
import type { Tensor, Variable } from "../engine/tensor/tensor.ts";
import type { Checkpoint, RowOutputs, Samples } from "./estimator.ts";
import { fuzzyGraph } from "./graph/fuzzy_graph.ts";
import { layoutOf } from "./graph/layout.ts";
import {
  type NearestNeighbours,
  nearestNeighbours,
  neighboursAmong,
} from "./graph/nearest_neighbours.ts";
import { defineMethod, type Method } from "./method.ts";
import {
  ARCHITECTURE_OPTIONS,
  type ArchitectureOptions,
  type Autoencoder,
} from "./networks/autoencoder.ts";
import { resolveOptions, type Specs } from "./options.ts";
import { assignToMixture, fitMixture, responsibilitiesOf } from "./shallow/mixture.ts";
import {
  DeepEstimator,
  type FittedNetwork,
  type Fitting,
  type SampleShape,
  type Trained,
} from "./training/deep_estimator.ts";
import { augmentationFor, Pretraining, reconstructionLoss } from "./training/pretraining.ts";
import {
  DENSE_PRETRAINING,
  PRETRAINING_OPTIONS,
  type PretrainingOptions,
} from "./training/pretraining_options.ts";
import { UNAUGMENTED } from "./training/pretraining_profiles.ts";
import { moveToMeans } from "./training/start.ts";

/** Options of {@linkcode N2D}. */
export interface N2DOptions extends ArchitectureOptions, PretrainingOptions {
  /** Neighbours of a code, itself counted, by which codes are laid out. */
  readonly neighbours: number;
  /** Distance in the layout within which neighbours attract each other fully. */
  readonly minDist: number;
  /** Dimensions of the layout; 0: K. */
  readonly components: number;
  /** Restarts of the mixture. */
  readonly nInit: number;
}

const OPTIONS: Specs<N2DOptions> = {
  ...ARCHITECTURE_OPTIONS,
  ...PRETRAINING_OPTIONS,
  neighbours: {
    type: "integer",
    default: 20,
    min: 2,
    description: "neighbours by which codes are laid out, the code itself counted",
    source: "N2D; its code: 10",
  },
  minDist: {
    type: "number",
    default: 0,
    min: 0,
    max: 1,
    description: "distance in the layout within which neighbours attract each other fully",
    source: "N2D",
  },
  components: {
    type: "integer",
    default: 0,
    min: 0,
    description: "dimensions of the layout; 0: as many as clusters",
    source: "N2D; its code: 2",
  },
  nInit: {
    type: "integer",
    default: 1,
    min: 1,
    description: "restarts of the Gaussian mixture of the layout; the likeliest is kept",
    source: "N2D: scikit-learn's",
  },
};

/**
 * EM on the layout: scikit-learn's stopping, and variances not below 1e-4 of the layout's. (scikit-learn
 * adds 1e-6 in the layout's own units, which float32 does not resolve.)
 */
const EM = {
  covariance: "full",
  prior: 1,
  sigma2: 0,
  regCovar: 1e-4,
  maxIterations: 100,
  tolerance: 1e-3,
} as const;

/**
 * An autoencoder, a layout of its code, a Gaussian mixture on the layout; scikit-learn's contract.
 *
 * The layout has no map for new rows. `predict` gives a row the label that weighs most among the
 * `neighbours` nearest codes that the model was trained on, each by 1/distance; these codes and their
 * labels are part of the model, and the mixture's responsibilities for them, 4·(p + K + 1) bytes a row.
 * `predictProba` gives the mean of these over the same neighbours. A row whose code was trained on gets its label, so
 * that the rows of `fit` get theirs. `transform` gives codes, not places in the layout; centroids are the
 * means of the clusters' codes, which a label need not be that of the nearest of.
 */
export class N2D extends DeepEstimator<N2DOptions> {
  /** Its name in the registry. */
  override readonly name = "n2d";

  /** The rows that it was trained on: codes [N, p], labels u32 [N], responsibilities [N, K]. */
  private known!: {
    readonly codes: Variable;
    readonly labels: Variable;
    readonly responsibilities: Variable;
  };

  /**
   * Checks the options; devices are opened by `fit`.
   * @param options What differs from the defaults; see {@linkcode N2D_METHOD}.
   * @throws {RangeError} naming the option, the value and what would be right.
   */
  constructor(options: Partial<N2DOptions> = {}) {
    super(resolveOptions("n2d", OPTIONS, options));
  }

  /** The rows by which others are labelled. */
  protected override prepare(state: State, { n = 0 }: SampleShape): void {
    this.known = {
      codes: state.variable(KNOWN_CODES, [n, this.options.latent]),
      labels: state.variable(KNOWN_LABELS, [n], { dtype: "u32" }),
      responsibilities: state.variable(KNOWN_RESPONSIBILITIES, [n, this.options.clusters]),
    };
  }

  /** The network's, and how many rows are known. */
  protected override shapeOf(variables: Checkpoint["variables"]): SampleShape | undefined {
    const shape = super.shapeOf(variables);
    const n = variables.get(KNOWN_LABELS)?.shape[0];
    return shape === undefined || n === undefined ? undefined : { ...shape, n };
  }

  /** Pre-trains on the rows, lays the codes of all rows out, and fits the mixture to the layout. */
  protected override async fitNetwork(fitting: Fitting): Promise<Trained> {
    const { training, net, rows, samples, encoding, centroids } = fitting;
    const { options, known } = this;
    const { clusters, seed, nInit, neighbours, minDist } = options;
    const { state, backend, context: { signal } } = training;
    const dimensions = options.components || clusters;
    const augmentation = augmentationFor(training, samples, options);
    const pretraining = new Pretraining(training, net, augmentation, options);
    const layout = state.variable("layout", [samples.n, dimensions]);
    training.restore();
    const end = await pretraining.run(rows);
    await encoding.run();
    await training.once("layout of the code", async () => {
      const onEpochs = training.progressOf("layout of the code");
      const options = { dimensions, minDistance: minDist, seed, signal, onEpochs };
      const places = await placesOf(backend, encoding.table, neighbours, options);
      layout.write(places);
      known.codes.write(Float32Array.from(await encoding.codes.read()));
      return null;
    });
    await training.once("mixture on the layout", async () => {
      const places = Float32Array.from(await layout.read());
      const settings = { ...EM, clusters, seed, signal };
      const fit = await fitMixture(backend, places, dimensions, nInit, settings);
      const { standardization, mixture, objectives, iterations, converged } = fit;
      const args = [backend, places, dimensions, standardization, EM.covariance, mixture] as const;
      const codes = Float32Array.from(await known.codes.read());
      const labels = agreed(codes, options.latent, await assignToMixture(...args));
      known.labels.write(labels);
      known.responsibilities.write(await responsibilitiesOf(...args));
      await moveToMeans(centroids, known.codes, labels);
      // Last, so that whoever stops at this row repeats nothing of it.
      training.log({
        phase: "mixture",
        step: iterations,
        objective: objectives.at(-1)!,
        converged,
      });
      return null;
    });
    return { end, labels: await known.labels.read() as Uint32Array };
  }

  /** Encoder and decoder: rows are labelled by those of the training, which is no graph of ops. */
  protected override async outputs(
    fitted: FittedNetwork<Autoencoder>,
    x: Tensor,
  ): Promise<RowOutputs> {
    const { code, reconstruction } = await super.outputs(fitted, x);
    return { code, ...reconstruction && { reconstruction } };
  }

  /** Each row by the nearest of the codes that the model was trained on. */
  protected override async label(
    backend: Backend,
    fitted: FittedNetwork<Autoencoder>,
    samples: Samples,
  ): Promise<Uint32Array> {
    const neighbours = await this.neighboursOf(backend, fitted, samples);
    return votedLabels(neighbours, await this.known.labels.read() as Uint32Array);
  }

  /** The mean of those for the nearest of the codes that the model was trained on, by 1/distance. */
  protected override async memberships(
    backend: Backend,
    fitted: FittedNetwork<Autoencoder>,
    samples: Samples,
  ): Promise<Float32Array> {
    const neighbours = await this.neighboursOf(backend, fitted, samples);
    const known = await this.known.responsibilities.read();
    return meanByDistance(neighbours, known, this.options.clusters);
  }

  /** The nearest of the known codes to the code of each row. */
  private async neighboursOf(
    backend: Backend,
    fitted: FittedNetwork<Autoencoder>,
    samples: Samples,
  ): Promise<NearestNeighbours> {
    return await this.withCodes(backend, fitted, samples, async (encoding) => {
      const codes = Table.of(this.known.codes);
      const count = Math.min(this.options.neighbours, codes.rows);
      return await neighboursAmong(backend, encoding.table, codes, count);
    });
  }
}

/** Names of what a model knows of the rows that it was trained on. */
const KNOWN_CODES = "codes of the rows";
const KNOWN_LABELS = "labels of the rows";
const KNOWN_RESPONSIBILITIES = "responsibilities for the rows";

/** UMAP's layout of codes [N, p]: [N, m]; of one row, the origin. */
async function placesOf(
  backend: Backend,
  codes: Table,
  neighbours: number,
  options: {
    readonly dimensions: number;
    readonly minDistance: number;
    readonly seed: number;
    readonly signal: AbortSignal | undefined;
    readonly onEpochs: (done: number, epochs: number) => void;
  },
): Promise<Float32Array> {
  const k = Math.min(neighbours, codes.rows);
  if (k < 2) return new Float32Array(options.dimensions);
  const found = await nearestNeighbours(backend, codes, k - 1, options.signal);
  return await layoutOf(backend, await fuzzyGraph(backend, found, k, options.signal), options);
}

/**
 * Labels [N] where rows of equal codes [N, p], which a layout parts, have one: the most frequent of
 * theirs, and of several such the lowest.
 */
export function agreed(codes: Float32Array, p: number, labels: Uint32Array): Uint32Array {
  const compare = (a: number, b: number) => {
    for (let c = 0; c < p; c++) {
      const difference = codes[a * p + c] - codes[b * p + c];
      if (difference !== 0) return difference;
    }
    return 0;
  };
  const order = Uint32Array.from(labels, (_, i) => i).sort((a, b) => compare(a, b) || a - b);
  const result = labels.slice();
  for (let first = 0, next = 0; first < order.length; first = next) {
    while (next < order.length && compare(order[first], order[next]) === 0) next++;
    if (next - first === 1) continue;
    const counts: number[] = [];
    const equal = order.subarray(first, next);
    for (const i of equal) counts[labels[i]] = (counts[labels[i]] ?? 0) + 1;
    const most = counts.reduce((a, b) => Math.max(a, b), 0);
    for (const i of equal) result[i] = counts.indexOf(most);
  }
  return result;
}

/**
 * The label that weighs most among the neighbours of each row, each by 1/distance, ties to that of the
 * nearer; where the nearest is at no distance, its label.
 * @param labels By the neighbours' numbers.
 */
export function votedLabels(
  { count, rows, squaredDistances }: NearestNeighbours,
  labels: Uint32Array,
): Uint32Array {
  return Uint32Array.from({ length: rows.length / count }, (_, i) => {
    const nearest = labels[rows[i * count]];
    if (squaredDistances[i * count] === 0) return nearest;
    const votes = new Map<number, number>();
    for (let place = i * count; place < (i + 1) * count; place++) {
      const label = labels[rows[place]];
      votes.set(label, (votes.get(label) ?? 0) + 1 / Math.sqrt(squaredDistances[place]));
    }
    let [winner, most] = [nearest, 0];
    for (const [label, vote] of votes) if (vote > most) [winner, most] = [label, vote];
    return winner;
  });
}

/**
 * The mean of values [m, K] over the neighbours of each row, each by 1/distance; where the nearest is at
 * no distance, its values: [n, K].
 * @param values By the neighbours' numbers.
 */
export function meanByDistance(
  { count, rows, squaredDistances }: NearestNeighbours,
  values: ArrayLike<number>,
  k: number,
): Float32Array {
  const n = rows.length / count;
  const means = new Float32Array(n * k);
  for (let i = 0; i < n; i++) {
    const isKnown = squaredDistances[i * count] === 0;
    const weights = Array.from(
      { length: isKnown ? 1 : count },
      (_, j) => isKnown ? 1 : 1 / Math.sqrt(squaredDistances[i * count + j]),
    );
    const total = weights.reduce((a, b) => a + b);
    for (let c = 0; c < k; c++) {
      const mean = weights.reduce(
        (sum, weight, j) => sum + weight / total * values[rows[i * count + j] * k + c],
        0,
      );
      means[i * k + c] = mean;
    }
  }
  return means;
}

/** N2D's row in the registry. */
export const N2D_METHOD: Method = defineMethod<N2DOptions>({
  name: "n2d",
  summary: "an autoencoder, UMAP's layout of its code, a Gaussian mixture on the layout",
  citation: "McConville et al., ICPR 2020, arXiv 1908.05968; UMAP: arXiv 1802.03426",
  options: OPTIONS,
  pretraining: DENSE_PRETRAINING,
  profiles: {
    default: { description: "thrifty: minutes on two cores, augmented images", values: {} },
    official: {
      description: "as published for MNIST, without augmentation; the latent size is to be K",
      values: {
        ...UNAUGMENTED,
        hidden: [500, 500, 2000],
        latent: 10,
        initializer: "glorot",
        // 1000 epochs of 70,000 rows.
        pretrainSteps: 274_000,
        pretrainLearningRate: 1e-3,
        pretrainDecay: false,
        adamEpsilon: 1e-7,
        neighbours: 20,
        minDist: 0,
        components: 0,
        nInit: 1,
      },
    },
  },
  losses: {
    reconstruction: ({ net, x }) => ({
      targets: net.parameters.variables,
      loss: () => reconstructionLoss(net, x),
    }),
  },
  labelsAreNearest: false,
  softAssignment: "the mixture's responsibilities; of a new row, those of its neighbours",
  create: (options) => new N2D(options),
});
