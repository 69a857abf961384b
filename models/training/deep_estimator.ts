/** What every method on an autoencoder shares: devices, samples, predict, load. */
import type { Backend } from "../../engine/backend.ts";
import { openDevice } from "../../engine/device.ts";
import { softAssign } from "../../engine/ops/assignment.ts";
import { State } from "../../engine/state.ts";
import type { Tensor, Variable } from "../../engine/tensor.ts";
import { type ArchitectureOptions, Autoencoder } from "../networks/autoencoder.ts";
import {
  type Checkpoint,
  checkSamples,
  type Estimator,
  type FitContext,
  type FitResult,
  InterruptedError,
  type Samples,
} from "../estimator.ts";
import { Rows } from "./rows.ts";
import { Training } from "./trainer.ts";
import { Encoding, labelsOf } from "./whole_pass.ts";

/** What maps rows to codes. */
export interface Network {
  /** d and p. */
  readonly sizes: { readonly inputs: number; readonly latent: number };
  /** Most rows that it should encode at once; absent: any number. */
  readonly passRows?: number;
  /** f(x): [n, d] -> [n, p]. */
  encode(x: Tensor): Tensor;
  /** g(z) of a few codes at once: [m, p] row-major -> [m, d]. */
  draw(codes: Float32Array): Promise<Float32Array>;
}

/** Options of every method on a network. */
export type NetworkOptions = Pick<ArchitectureOptions, "clusters" | "inputScale">;

/** What a network must know of samples. */
export type SampleShape = Pick<Samples, "d" | "height" | "width">;

/** A fit in progress, as a method's `train` gets it. */
export interface Fitting<N extends Network = Autoencoder> {
  /** Phases, log and checkpoints; its state owns the variables. */
  readonly training: Training;
  /** The network to train, at its initial weights. */
  readonly net: N;
  /** The samples as programs see them. */
  readonly rows: Rows;
  /** The samples on the host. */
  readonly samples: Samples;
  /** For scores in the log alone. */
  readonly truth?: ArrayLike<number>;
}

/** What predict and transform need. */
interface Fitted<N extends Network> {
  readonly backend: Backend;
  readonly ownsBackend: boolean;
  readonly state: State;
  /** Names of the variables that `load` makes. */
  readonly needed: readonly string[];
  readonly net: N;
  /** [K, p] */
  readonly centroids: Variable;
}

/** The name under which every deep method keeps its centroids [K, p]. */
export const CENTROIDS = "centroids";

/** Base of the methods on any network: subclasses make it and say how to train. */
export abstract class NetworkEstimator<O extends NetworkOptions, N extends Network>
  implements Estimator {
  /** Its method's name in the registry. */
  abstract readonly name: string;
  private fitted?: Fitted<N>;

  /**
   * Keeps the options; devices are opened by `fit` and `load`.
   * @param options Complete and checked.
   */
  constructor(readonly options: O) {}

  /**
   * Trains. Makes a variable named {@linkcode CENTROIDS} among others, restores once all are made,
   * and returns the result.
   */
  protected abstract train(fitting: Fitting<N>): Promise<FitResult>;

  /** The network for such samples, at its initial weights. @throws {RangeError} where none is. */
  protected abstract network(state: State, shape: SampleShape): N;

  /** What a checkpoint's network was made for; undefined where it holds none. */
  protected abstract shapeOf(variables: Checkpoint["variables"]): SampleShape | undefined;

  /** Makes what else predicting needs, of a fit or for `load` to fill; nothing by default. */
  protected prepare(_state: State): void {}

  /** The code of x [n, d] by the network: [n, p]. */
  protected encode(net: N, x: Tensor): Tensor {
    return net.encode(x);
  }

  /** Whether the decoder still belongs to the encoder in the end. */
  protected get keepsDecoder(): boolean {
    return true;
  }

  /** How near codes [n, p] are to the centroids [K, p], [n, K]: the largest makes the label. */
  protected affinity(codes: Tensor, centroids: Tensor): Tensor {
    return softAssign(codes, centroids);
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
      const net = this.network(training.state, samples);
      this.prepare(training.state);
      const needed = [...training.state.names, CENTROIDS];
      using rows = await Rows.open(backend, samples, this.options.inputScale);
      const { truth } = context;
      const result = await this.train({ training, net, rows, samples, truth });
      const centroids = training.state.get(CENTROIDS);
      this.fitted = { backend, ownsBackend, state: training.state, needed, net, centroids };
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
   * Labels of new rows, [n]: each by the largest affinity.
   * @throws {TypeError} before fit. @throws {RangeError} for other columns than in training.
   */
  async predict(samples: Samples): Promise<Uint32Array> {
    const { centroids } = this.needFitted();
    const affinity = (codes: Tensor, centroids: Tensor) => this.affinity(codes, centroids);
    return await this.withCodes(samples, ({ codes }) => labelsOf(codes, centroids, affinity));
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
   * What the decoder makes of codes [m, p] row-major: rows [m, d].
   * @throws {TypeError} before fit, and where the decoder no longer belongs to the codes.
   * @throws {RangeError} for codes of another size.
   */
  async inverseTransform(codes: Float32Array): Promise<Float32Array> {
    const { net } = this.needFitted();
    if (!this.keepsDecoder) {
      throw new TypeError("this method trains the encoder without its decoder, and cannot draw");
    }
    const { latent } = net.sizes;
    if (codes.length === 0 || codes.length % latent !== 0) {
      throw new RangeError(
        `codes: their number of values must be a multiple of ${latent} above 0, got ${codes.length}`,
      );
    }
    const { inputScale = 1 } = this.options;
    return (await net.draw(codes)).map((value) => value / inputScale);
  }

  /** Encoder, decoder and centroids, to be loaded. @throws {TypeError} before fit. */
  async checkpoint(): Promise<Checkpoint> {
    const { state, needed } = this.needFitted();
    return { variables: await state.snapshot(needed), host: {} };
  }

  /**
   * Loads encoder, decoder and centroids, so that predict and transform work.
   * @param backend Where to; absent: a device of the model's own, closed by `dispose`.
   * @throws {RangeError} where the checkpoint lacks them or was made with other layers.
   */
  async load(checkpoint: Checkpoint, backend?: Backend): Promise<void> {
    const { variables } = checkpoint;
    const samples = this.shapeOf(variables);
    const shape = variables.get(CENTROIDS)?.shape;
    if (samples === undefined || shape === undefined) {
      throw new RangeError("checkpoint: it holds no encoder and centroids; was the run finished?");
    }
    await this.dispose();
    const device = backend ?? await openDevice();
    const ownsBackend = backend === undefined;
    const state = new State(device);
    try {
      const net = this.network(state, samples);
      this.prepare(state);
      const centroids = state.variable(CENTROIDS, shape);
      state.restore(variables);
      const needed = state.names;
      this.fitted = { backend: device, ownsBackend, state, needed, net, centroids };
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

  /** What `fit` or `load` left. @throws {TypeError} before both. */
  private needFitted(): Fitted<N> {
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
    const { sizes: { latent }, passRows } = net;
    using encoding = await Encoding.create(rows, (x) => this.encode(net, x), latent, passRows);
    await encoding.run();
    return await use(encoding);
  }
}

/** Base of the methods on a fully connected autoencoder: subclasses say how to train. */
export abstract class DeepEstimator<O extends ArchitectureOptions>
  extends NetworkEstimator<O, Autoencoder> {
  /** The autoencoder that the options say, for rows of d columns. */
  protected override network(state: State, { d: inputs }: SampleShape): Autoencoder {
    const { hidden, latent, seed, initializer, activation } = this.options;
    return new Autoencoder(state, { inputs, hidden, latent }, seed, initializer, { activation });
  }

  /** The columns of the first weight. */
  protected override shapeOf(variables: Checkpoint["variables"]): SampleShape | undefined {
    const d = variables.get("encoder.0.weight")?.shape[0];
    return d === undefined ? undefined : { d };
  }
}
