/**
 * Gaussian mixtures on the data themselves, with the contract of the other methods: full covariances,
 * a variance a column, or one variance for all (the model that the Clustering Module is derived from).
 */
import type { Backend } from "../engine/backend.ts";
import { openDevice } from "../engine/device.ts";
import {
  type Checkpoint,
  checkSamples,
  type Estimator,
  type FitContext,
  type FitResult,
  InterruptedError,
  type Samples,
  valuesOf,
} from "./estimator.ts";
import type { Method } from "./method.ts";
import {
  assignToMixture,
  ExpectationMaximization,
  type MixtureOptions,
  type Standardization,
  standardizationOf,
} from "./shallow/mixture.ts";
import { covarianceSize, type Mixture } from "./shallow/mixture_components.ts";
import { type OptionSpec, resolveOptions } from "./options.ts";
import { Training } from "./training/trainer.ts";

/** Options of {@linkcode GaussianMixture}. */
export interface GaussianMixtureOptions extends Omit<MixtureOptions, "signal"> {
  /** Restarts, each from a k-means of its own; the likeliest is kept. */
  readonly nInit: number;
}

const OPTIONS: readonly OptionSpec[] = [
  { name: "clusters", type: "integer", default: 10, min: 1, description: "number of clusters, K" },
  {
    name: "covariance",
    type: "choice",
    choices: ["full", "diag", "isotropic"],
    default: "full",
    description: "covariances: any, a variance a column, or one variance that all clusters share",
    source: "scikit-learn: full",
  },
  {
    name: "prior",
    type: "number",
    default: 1,
    min: 1,
    description: "alpha of a symmetric Dirichlet prior on the weights; 1: none",
  },
  {
    name: "sigma2",
    type: "number",
    default: 0,
    min: 0,
    description:
      "the isotropic variance, in the data's units squared, if it is not learned; 0: it is",
    source: "0.5 makes the M-step's objective the Clustering Module's",
  },
  {
    name: "regCovar",
    type: "number",
    default: 1e-3,
    min: 0,
    description: "added to every variance, as a share of the columns' mean variance",
    source: "enough for constant columns in float32; scikit-learn: 1e-6, absolute",
  },
  {
    name: "nInit",
    type: "integer",
    default: 5,
    min: 1,
    description: "restarts, each from a k-means of its own; the likeliest is kept",
    source: "scikit-learn: 1",
  },
  {
    name: "maxIterations",
    type: "integer",
    default: 100,
    min: 0,
    description: "most EM steps of a restart",
    source: "scikit-learn",
  },
  {
    name: "tolerance",
    type: "number",
    default: 1e-3,
    min: 0,
    description: "stop when the mean log-likelihood of a row changes by less",
    source: "scikit-learn",
  },
  {
    name: "seed",
    type: "integer",
    default: 0,
    min: 0,
    max: 2 ** 32 - 1,
    description: "seed of all random numbers",
  },
];

/** What predict and transform need. */
interface Fitted {
  readonly mixture: Mixture;
  readonly standardization: Standardization;
}

/** A mixture of Gaussians by EM. `transform` is the identity. */
export class GaussianMixture implements Estimator {
  /** Its name in the registry. */
  readonly name = "gmm";
  /** Complete and checked. */
  readonly options: GaussianMixtureOptions;
  private fitted?: Fitted;
  private device?: { readonly backend: Backend; readonly owned: boolean };

  /**
   * Checks the options; devices are opened by `fit`.
   * @param options What differs from the defaults; see {@linkcode GMM}.
   * @throws {RangeError} naming the option, the value and what would be right.
   */
  constructor(options: Partial<GaussianMixtureOptions> = {}) {
    this.options = resolveOptions("gmm", OPTIONS, {}, {
      ...options,
    }) as unknown as GaussianMixtureOptions;
  }

  /**
   * Fits the mixture; `context.save` gets the best one so far after every restart.
   * @throws {RangeError} for samples that do not fit the options, or the device.
   * @throws {TypeError} for samples from a source.
   * @throws {DivergedError} where a covariance has no inverse.
   * @throws {InterruptedError} where `context.signal` is aborted.
   */
  async fit(samples: Samples, context: FitContext = {}): Promise<FitResult> {
    checkSamples(samples, this.options.clusters);
    const data = valuesOf(samples, "a Gaussian mixture");
    await this.open(context.backend, context);
    const training = new Training(this.device!.backend, context);
    try {
      const result = await this.train(training, data, samples);
      training.dispose();
      return result;
    } catch (error) {
      const aborted = context.signal?.aborted && error === context.signal.reason;
      if (aborted) await training.save();
      training.dispose();
      await this.dispose();
      throw aborted ? new InterruptedError("interrupted; finished restarts are saved") : error;
    }
  }

  /** `fit`, and its labels [n]. */
  async fitPredict(samples: Samples, context?: FitContext): Promise<Uint32Array> {
    return (await this.fit(samples, context)).labels;
  }

  /**
   * Labels of new rows, [n]: each that of the component of which it is most likely.
   * @throws {TypeError} before fit. @throws {RangeError} for other columns than in training.
   */
  async predict(samples: Samples): Promise<Uint32Array> {
    const fitted = this.needFitted();
    checkSamples(samples, undefined, fitted.standardization.shift.length);
    return await this.assign(valuesOf(samples, "a Gaussian mixture"), fitted);
  }

  /**
   * A copy of the rows, [n, d]: a mixture clusters the data as they are.
   * @throws {TypeError} before fit. @throws {RangeError} for other columns than in training.
   */
  // deno-lint-ignore require-await
  async transform(samples: Samples): Promise<Float32Array> {
    checkSamples(samples, undefined, this.needFitted().standardization.shift.length);
    return valuesOf(samples, "a Gaussian mixture").slice();
  }

  /** The mixture, to be loaded. @throws {TypeError} before fit. */
  // deno-lint-ignore require-await
  async checkpoint(): Promise<Checkpoint> {
    const { mixture, standardization: { shift, scale } } = this.needFitted();
    const arrays = { shift, scale: [scale], ...mixture };
    return {
      variables: new Map(
        Object.entries(arrays).map(([name, values]) => [
          name,
          { shape: [values.length], data: Float32Array.from(values) },
        ]),
      ),
      host: {},
    };
  }

  /**
   * Loads the mixture, so that predict works.
   * @param backend Where to; absent: a device of the model's own, closed by `dispose`.
   * @throws {RangeError} where the checkpoint holds no mixture of these covariances.
   */
  async load(checkpoint: Checkpoint, backend?: Backend): Promise<void> {
    const fitted = this.read((name) => checkpoint.variables.get(name)?.data as Float32Array);
    await this.open(backend, {});
    this.fitted = fitted;
  }

  /** Forgets the mixture, and closes the device where the model opened it. */
  async dispose(): Promise<void> {
    const { device } = this;
    this.device = undefined;
    this.fitted = undefined;
    if (device?.owned) await device.backend.dispose();
  }

  /** All restarts. */
  private async train(
    training: Training,
    data: Float32Array,
    { d }: Samples,
  ): Promise<FitResult> {
    const { state, backend, context: { signal } } = training;
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
    {
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
    }
    const saved = await state.snapshot();
    this.fitted = this.read((name) => saved.get(name)!.data as Float32Array);
    const best = restarts.reduce((a, b) => b.objective > a.objective ? b : a);
    const { means } = this.fitted.mixture;
    const centers = Float32Array.from(means, (mean, i) => shift[i % d] + scale * mean);
    return {
      labels: await this.assign(data, this.fitted),
      clusterCenters: centers,
      embedding: data.slice(),
      embeddingSize: d,
      prototypes: centers,
      nIter: best.iterations,
      stopReason: best.converged
        ? "the likelihood stopped changing"
        : `${best.iterations} iterations`,
      history: training.history,
      partitions: {},
    };
  }

  /** The mixture as it is saved. @throws {RangeError} where something is missing. */
  private read(get: (name: string) => Float32Array | undefined): Fitted {
    const { clusters: k, covariance } = this.options;
    const columns = get("shift")?.length ?? 0;
    const value = (name: string, length: number) => {
      const data = get(name);
      if (data?.length === length && columns > 0) return data;
      throw new RangeError(
        `checkpoint: it holds no mixture of ${k} components with ${covariance} covariances`,
      );
    };
    return {
      standardization: { shift: value("shift", columns), scale: value("scale", 1)[0] },
      mixture: {
        weights: Float64Array.from(value("weights", k)),
        means: Float64Array.from(value("means", k * columns)),
        covariances: Float64Array.from(
          value("covariances", covarianceSize(covariance, k, columns)),
        ),
      },
    };
  }

  /** argmax_k γ_ik of rows in their own units, [n]. */
  private async assign(
    data: Float32Array,
    { mixture, standardization }: Fitted,
  ): Promise<Uint32Array> {
    const { backend } = this.device!;
    const d = standardization.shift.length;
    const { covariance } = this.options;
    return await assignToMixture(backend, data, d, standardization, covariance, mixture);
  }

  /** Takes the given backend, or opens the device that is asked for, in place of an earlier one. */
  private async open(backend: Backend | undefined, { device }: FitContext): Promise<void> {
    await this.dispose();
    this.device = { backend: backend ?? await openDevice(device), owned: backend === undefined };
  }

  /** What `fit` or `load` left. @throws {TypeError} before both. */
  private needFitted(): Fitted {
    if (!this.fitted) throw new TypeError("this model is not fitted yet; call fit or load first");
    return this.fitted;
  }
}

/** Gaussian mixtures' row in the registry. */
export const GMM: Method = {
  name: "gmm",
  summary:
    "a Gaussian mixture on the data as they are, by EM: full, diagonal or shared covariances",
  citation: "Dempster, Laird and Rubin 1977; McLachlan and Peel, Finite Mixture Models, 2000",
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
  create: (options) => new GaussianMixture(options as unknown as GaussianMixtureOptions),
};
