/** What every method on a fully connected autoencoder shares: devices, samples, predict, load. */
import type { Backend } from "../engine/backend.ts";
import { openDevice } from "../engine/device.ts";
import { State } from "../engine/state.ts";
import type { Tensor, Variable } from "../engine/tensor.ts";
import { type ArchitectureOptions, Autoencoder } from "./autoencoder.ts";
import {
  type Checkpoint,
  checkSamples,
  type Estimator,
  type FitContext,
  type FitResult,
  InterruptedError,
  type Samples,
} from "./estimator.ts";
import { Rows } from "./rows.ts";
import { Training } from "./trainer.ts";
import { Assignment, Encoding } from "./whole_pass.ts";

/** A fit in progress, as a method's `train` gets it. */
export interface Fitting {
  /** Phases, log and checkpoints; its state owns the variables. */
  readonly training: Training;
  /** The network to train, at its initial weights. */
  readonly net: Autoencoder;
  /** The samples as programs see them. */
  readonly rows: Rows;
  /** The samples on the host. */
  readonly samples: Samples;
  /** For scores in the log alone. */
  readonly truth?: ArrayLike<number>;
}

/** What predict and transform need. */
interface Fitted {
  readonly backend: Backend;
  readonly ownsBackend: boolean;
  readonly state: State;
  readonly net: Autoencoder;
  /** [K, p] */
  readonly centroids: Variable;
}

/** The name under which every deep method keeps its centroids [K, p]. */
export const CENTROIDS = "centroids";

/** Base of the methods: subclasses say how to train. */
export abstract class DeepEstimator<O extends ArchitectureOptions> implements Estimator {
  private fitted?: Fitted;

  /**
   * Keeps the options; devices are opened by `fit` and `load`.
   * @param options Complete and checked.
   */
  constructor(readonly options: O) {}

  /**
   * Trains. Makes a variable named {@linkcode CENTROIDS} among others, restores once all are made,
   * and returns the result.
   */
  protected abstract train(fitting: Fitting): Promise<FitResult>;

  /** Makes what else predicting needs, of a fit or for `load` to fill; nothing by default. */
  protected prepare(_state: State): void {}

  /** The code of x [n, d] by the network: [n, p]. */
  protected encode(net: Autoencoder, x: Tensor): Tensor {
    return net.encode(x);
  }

  /**
   * Trains on `samples` from new weights or from `context.resume`; an earlier fit is disposed of.
   * @throws {RangeError} for samples that do not fit the options.
   * @throws {DivergedError} where a loss is not finite.
   * @throws {InterruptedError} where `context.signal` aborts.
   */
  async fit(samples: Samples, context: FitContext = {}): Promise<FitResult> {
    checkSamples(samples, this.options.clusters);
    await this.dispose();
    const backend = context.backend ?? await openDevice(context.device);
    const ownsBackend = context.backend === undefined;
    const training = new Training(backend, context);
    try {
      const net = this.network(training.state, samples.d);
      this.prepare(training.state);
      using rows = await Rows.open(backend, samples, this.options.inputScale);
      const { truth } = context;
      const result = await this.train({ training, net, rows, samples, truth });
      const centroids = training.state.get(CENTROIDS);
      this.fitted = { backend, ownsBackend, state: training.state, net, centroids };
      return result;
    } catch (error) {
      // k-means stops at an abort by itself, before it has changed any variable.
      const aborted = context.signal?.aborted && error === context.signal.reason;
      if (aborted) await training.save();
      training.dispose();
      if (ownsBackend) await backend.dispose();
      throw aborted ? new InterruptedError("interrupted; the checkpoint is written") : error;
    }
  }

  /** `fit`, and its labels [n]. */
  async fitPredict(samples: Samples, context?: FitContext): Promise<Uint32Array> {
    return (await this.fit(samples, context)).labels;
  }

  /**
   * Labels of new rows, [n]: each that of the nearest centroid, which has the largest q.
   * @throws {TypeError} before fit. @throws {RangeError} for other columns than in training.
   */
  async predict(samples: Samples): Promise<Uint32Array> {
    const { centroids } = this.needFitted();
    return await this.withCodes(samples, async (encoding) => {
      using memory = new State(centroids.backend);
      const labels = memory.variable("labels", [samples.n], { dtype: "u32", saved: false });
      const thresholds = memory.variable("thresholds", [2], { saved: false });
      using assignment = await Assignment.create(encoding.codes, centroids, thresholds, labels);
      return (await assignment.run()).labels;
    });
  }

  /**
   * Codes f(x) of new rows, [n, p] row-major.
   * @throws {TypeError} before fit. @throws {RangeError} for other columns than in training.
   */
  async transform(samples: Samples): Promise<Float32Array> {
    return await this.withCodes(
      samples,
      async (encoding) => Float32Array.from(await encoding.codes.read()),
    );
  }

  /**
   * Loads encoder, decoder and centroids, so that predict and transform work.
   * @param backend Where to; absent: a device of the model's own, closed by `dispose`.
   * @throws {RangeError} where the checkpoint lacks them or was made with other layers.
   */
  async load(checkpoint: Checkpoint, backend?: Backend): Promise<void> {
    const { variables } = checkpoint;
    const inputs = variables.get("encoder.0.weight")?.shape[0];
    const shape = variables.get(CENTROIDS)?.shape;
    if (inputs === undefined || shape === undefined) {
      throw new RangeError("checkpoint: it holds no encoder and centroids; was the run finished?");
    }
    await this.dispose();
    const device = backend ?? await openDevice();
    const ownsBackend = backend === undefined;
    const state = new State(device);
    try {
      const net = this.network(state, inputs);
      this.prepare(state);
      const centroids = state.variable(CENTROIDS, shape);
      state.restore(variables);
      this.fitted = { backend: device, ownsBackend, state, net, centroids };
    } catch (error) {
      state.dispose();
      if (ownsBackend) await device.dispose();
      throw error;
    }
  }

  /** Frees the variables, and closes the device where the model opened it. */
  async dispose(): Promise<void> {
    const { fitted } = this;
    this.fitted = undefined;
    fitted?.state.dispose();
    if (fitted?.ownsBackend) await fitted.backend.dispose();
  }

  /** The network for rows of `inputs` columns, at its initial weights. */
  private network(state: State, inputs: number): Autoencoder {
    const { hidden, latent, seed, initializer, activation } = this.options;
    return new Autoencoder(state, { inputs, hidden, latent }, seed, initializer, { activation });
  }

  /** What `fit` or `load` left. @throws {TypeError} before both. */
  private needFitted(): Fitted {
    if (!this.fitted) throw new TypeError("this model is not fitted yet; call fit or load first");
    return this.fitted;
  }

  /** Encodes new rows on the model's device and hands the codes to `use`. */
  protected async withCodes<T>(
    samples: Samples,
    use: (encoding: Encoding) => Promise<T>,
  ): Promise<T> {
    const { backend, net } = this.needFitted();
    checkSamples(samples, undefined, net.sizes.inputs);
    using rows = await Rows.open(backend, samples, this.options.inputScale);
    using encoding = await Encoding.create(rows, (x) => this.encode(net, x), net.sizes.latent);
    await encoding.run();
    return await use(encoding);
  }
}
