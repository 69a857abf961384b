/**
 * Gaussian mixtures on the data themselves, with the contract of the other methods: full covariances,
 * a variance a column, or one variance for all (the model that the Clustering Module is derived from).
 */
import type { Backend } from "../engine/backend/backend.ts";
import { scale } from "../engine/ops/affine.ts";
import { sub } from "../engine/ops/binary.ts";
import { softmax } from "../engine/ops/softmax.ts";
import type { Snapshot, State } from "../engine/state/state.ts";
import type { Tensor } from "../engine/tensor/tensor.ts";
import { NO_CLUSTERS, type RowOutputs } from "./estimator.ts";
import { defineMethod, type Method } from "./method.ts";
import { resolveOptions, type Specs } from "./options.ts";
import {
  assignToMixture,
  bicOf,
  ExpectationMaximization,
  type MixtureOptions,
  responsibilitiesOf,
  type Standardization,
  standardizationOf,
} from "./shallow/mixture.ts";
import { covarianceSize, type Mixture } from "./shallow/mixture_components.ts";
import { makeComponents } from "./shallow/mixture_kinds.ts";
import {
  type Found,
  type HostRows,
  ShallowEstimator,
  type ShallowModel,
} from "./shallow/shallow_estimator.ts";
import type { Training } from "./training/trainer.ts";

/** Options of {@linkcode GaussianMixture}. */
export interface GaussianMixtureOptions extends Omit<MixtureOptions, "signal"> {
  /** Restarts, each from a k-means of its own; the likeliest is kept. */
  readonly nInit: number;
}

const OPTIONS: Specs<GaussianMixtureOptions> = {
  clusters: { type: "integer", default: 10, min: 1, description: "number of clusters, K" },
  covariance: {
    type: "choice",
    choices: ["full", "diag", "isotropic"],
    default: "full",
    description: "covariances: any, a variance a column, or one variance that all clusters share",
    source: "scikit-learn: full",
  },
  prior: {
    type: "number",
    default: 1,
    min: 1,
    description: "alpha of a symmetric Dirichlet prior on the weights; 1: none",
  },
  sigma2: {
    type: "number",
    default: 0,
    min: 0,
    description:
      "the isotropic variance, in the data's units squared, if it is not learned; 0: it is",
    source: "0.5 makes the M-step's objective the Clustering Module's",
  },
  regCovar: {
    type: "number",
    default: 1e-3,
    min: 0,
    description: "added to every variance, as a share of the columns' mean variance",
    source: "enough for constant columns in float32; scikit-learn: 1e-6, absolute",
  },
  nInit: {
    type: "integer",
    default: 5,
    min: 1,
    description: "restarts, each from a k-means of its own; the likeliest is kept",
    source: "scikit-learn: 1",
  },
  maxIterations: {
    type: "integer",
    default: 100,
    min: 0,
    description: "most EM steps of a restart",
    source: "scikit-learn",
  },
  tolerance: {
    type: "number",
    default: 1e-3,
    min: 0,
    description: "stop when the mean log-likelihood of a row changes by less",
    source: "scikit-learn",
  },
  seed: {
    type: "integer",
    default: 0,
    min: 0,
    max: 2 ** 32 - 1,
    description: "seed of all random numbers",
  },
};

/** Most values of all covariances: their copies take some 32 bytes each. */
const MOST_COVARIANCES = 2 ** 26;

/** @throws {RangeError} where the covariances of d columns would take gigabytes. */
function checkCovariances({ clusters: k, covariance }: GaussianMixtureOptions, d: number): void {
  const size = covarianceSize(covariance, k, d);
  if (size <= MOST_COVARIANCES) return;
  const bytes = (32 * size / 1e9).toPrecision(2);
  throw new RangeError(
    `gmm: full covariances of ${k} clusters in ${d} columns are ${size} values, some ${bytes} GB; ` +
      "take `covariance` diag, or fewer columns",
  );
}

/** A mixture of rows that are standardised. */
export interface MixtureModel extends ShallowModel {
  /** Of the standardised rows. */
  readonly mixture: Mixture;
  /** How rows are standardised. */
  readonly standardization: Standardization;
}

/** A mixture of Gaussians by EM. `transform` is the identity. */
export class GaussianMixture extends ShallowEstimator<GaussianMixtureOptions, MixtureModel> {
  /** Its name in the registry. */
  override readonly name = "gmm";
  /** In messages. */
  protected override readonly title = "a Gaussian mixture";

  /**
   * Checks the options; devices are opened by `fit`.
   * @param options What differs from the defaults; see {@linkcode GMM_METHOD}.
   * @throws {RangeError} naming the option, the value and what would be right.
   */
  constructor(options: Partial<GaussianMixtureOptions> = {}) {
    super(resolveOptions("gmm", OPTIONS, options));
  }

  /** All restarts; the best one so far is saved after each. */
  protected override async find(training: Training, { data, n, d }: HostRows): Promise<Found> {
    const { state, backend, context: { signal } } = training;
    checkCovariances(this.options, d);
    const { clusters: k, covariance, nInit, sigma2 } = this.options;
    const variables = {
      shift: state.variable("shift", [d]),
      scale: state.variable("scale", [1]),
      weights: state.variable("weights", [k]),
      means: state.variable("means", [k, d]),
      covariances: state.variable("covariances", [covarianceSize(covariance, k, d)]),
    };
    training.restore();
    const standardization = standardizationOf(data, d);
    const { shift, scale } = standardization;
    const options = { ...this.options, signal, sigma2: sigma2 / scale ** 2 };
    const restarts: { objective: number; iterations: number; converged: boolean }[] = [];
    using em = await ExpectationMaximization.create(backend, data, d, standardization, options);
    for (let run = 0; run < nInit; run++) {
      restarts.push(
        await training.once(`restart ${run + 1} of ${nInit}`, async () => {
          const { mixture, objectives, iterations, converged } = await em.fromKMeans(run);
          const objective = objectives.at(-1)!;
          if (restarts.every((other) => other.objective < objective)) {
            variables.shift.write(shift);
            variables.scale.write(Float32Array.of(scale));
            variables.weights.write(Float32Array.from(mixture.weights));
            variables.means.write(Float32Array.from(mixture.means));
            variables.covariances.write(Float32Array.from(mixture.covariances));
          }
          training.log({ phase: "em", step: iterations, restart: run + 1, objective, converged });
          return { objective, iterations, converged };
        }),
      );
    }
    const best = restarts.reduce((a, b) => b.objective > a.objective ? b : a);
    const weights = await variables.weights.read();
    return {
      bic: bicOf(best.objective, weights, n, d, this.options),
      iterations: best.iterations,
      stopReason: best.converged
        ? "the likelihood stopped changing"
        : `${best.iterations} iterations`,
    };
  }

  /** The mixture as it is saved. @throws {RangeError} where something is missing. */
  protected override modelOf(variables: ReadonlyMap<string, Snapshot>): MixtureModel {
    const { clusters: k, covariance } = this.options;
    const columns = variables.get("shift")?.data.length ?? 0;
    const value = (name: string, length: number) => {
      const data = variables.get(name)?.data;
      if (data?.length === length && columns > 0) return data;
      throw new RangeError(
        `checkpoint: it holds no mixture of ${k} components with ${covariance} covariances`,
      );
    };
    const shift = Float32Array.from(value("shift", columns));
    const [scale] = value("scale", 1);
    if (!(scale > 0)) throw new RangeError(NO_CLUSTERS);
    const means = Float64Array.from(value("means", k * columns));
    const covariances = value("covariances", covarianceSize(covariance, k, columns));
    return {
      columns,
      centers: Float32Array.from(means, (mean, i) => shift[i % columns] + scale * mean),
      standardization: { shift, scale },
      mixture: {
        weights: Float64Array.from(value("weights", k)),
        means,
        covariances: Float64Array.from(covariances),
      },
    };
  }

  /** log γ and a number that is the same for all components. */
  protected override outputs(
    { columns, standardization: { shift, scale: unit }, mixture }: MixtureModel,
    x: Tensor,
    memory: State,
  ): Promise<RowOutputs> {
    const { clusters, covariance } = this.options;
    const components = makeComponents(covariance, memory, clusters, columns, 0);
    components.write(mixture);
    const mean = memory.variable("shift", [columns], { data: shift });
    const affinity = components.logJoint(scale(sub(x, mean), 1 / unit));
    return Promise.resolve({ code: x, affinity, probabilities: softmax(affinity) });
  }

  /** argmax_k γ_ik of each row. */
  protected override async assign(
    backend: Backend,
    { standardization, mixture }: MixtureModel,
    { data, d }: HostRows,
  ): Promise<Uint32Array> {
    const { covariance } = this.options;
    return await assignToMixture(backend, data, d, standardization, covariance, mixture);
  }

  /** γ_ik of each row. */
  protected override async share(
    backend: Backend,
    { standardization, mixture }: MixtureModel,
    { data, d }: HostRows,
  ): Promise<Float32Array> {
    const { covariance } = this.options;
    return await responsibilitiesOf(backend, data, d, standardization, covariance, mixture);
  }
}

/** Gaussian mixtures' row in the registry. */
export const GMM_METHOD: Method = defineMethod<GaussianMixtureOptions>({
  name: "gmm",
  summary:
    "a Gaussian mixture on the data as they are, by EM: full, diagonal or shared covariances",
  citation: "Dempster, Laird and Rubin 1977; McLachlan and Peel, Finite Mixture Models, 2000",
  needsAllRows: true,
  clustersRows: true,
  checkColumns: checkCovariances,
  options: OPTIONS,
  profiles: {
    default: { description: "full covariances, the likeliest of 5 restarts", values: {} },
    isotropic: {
      description: "one variance for all: what the Clustering Module is derived from",
      values: { covariance: "isotropic", nInit: 20 },
    },
  },
  losses: {},
  labelsAreNearest: false,
  softAssignment: "the mixture's responsibilities",
  create: (options) => new GaussianMixture(options),
});
