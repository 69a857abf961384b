/** What every method on a network shares: rows, codes, labels, results, predict, load. */
import type { Backend } from "../../engine/backend/backend.ts";
import { scale } from "../../engine/ops/affine.ts";
import { State } from "../../engine/state/state.ts";
import type { Tensor, Variable } from "../../engine/tensor/tensor.ts";
import {
  type Checkpoint,
  DivergedError,
  type FitResult,
  NO_CLUSTERS,
  type RowOutputs,
  type Samples,
} from "../estimator.ts";
import { type ArchitectureOptions, Autoencoder } from "../networks/autoencoder.ts";
import { BaseEstimator, type FitOutcome, type Fitted } from "./base_estimator.ts";
import { Rows } from "./rows.ts";
import type { PhaseEnd, Training } from "./trainer.ts";
import { affinitiesOf, Encoding, Labelling, nearness } from "./whole_pass.ts";

/** What maps rows to codes. */
export interface Network {
  /** d and p. */
  readonly sizes: { readonly inputs: number; readonly latent: number };
  /** Most rows that it should encode at once; absent: any number. */
  readonly passRows?: number;
  /** f(x): [n, d] -> [n, p]. */
  encode(x: Tensor): Tensor;
  /** g(z): [n, p] -> [n, d]. */
  decode(z: Tensor): Tensor;
  /** g(z) of a few codes at once: [m, p] row-major -> [m, d]. */
  draw(codes: Float32Array): Promise<Float32Array>;
}

/** Options of every method on a network. */
export interface NetworkOptions {
  /** K */
  readonly clusters: number;
  /** What the values of the data are multiplied by before anything sees them; absent: 1. */
  readonly inputScale?: number;
}

/** What a network must know of samples; and their number, where what predicts depends on it. */
export type SampleShape =
  & Pick<Samples, "d" | "height" | "width" | "channels">
  & Partial<Pick<Samples, "n">>;

/** A fit in progress, as a method gets it. */
export interface Fitting<N extends Network = Autoencoder> {
  /** Phases, log and checkpoints; its state owns the variables. */
  readonly training: Training;
  /** The network to train, at its initial weights. */
  readonly net: N;
  /** The samples as programs see them. */
  readonly rows: Rows;
  /** The samples on the host. */
  readonly samples: Samples;
  /** The codes of all rows, those of the network as it was at its last `run`. */
  readonly encoding: Encoding;
  /** U, [K, p]. */
  readonly centroids: Variable;
  /** Encodes all rows and labels them: [n], each by the largest affinity. */
  label(): Promise<Uint32Array>;
  /** Frees what is needed until the fit ends. */
  readonly resources: DisposableStack;
}

/** What a method's training leaves, next to the variables. */
export interface Trained {
  /** Of its clustering phase. */
  readonly end: PhaseEnd;
  /** Other partitions of the rows, met on the way. */
  readonly partitions?: FitResult["partitions"];
  /** Which of them clustering began with. */
  readonly start?: string;
  /** The codes that it is a partition of, [N, p]. */
  readonly startCodes?: Float32Array;
  /** [n]; absent: those of the final codes. */
  readonly labels?: Uint32Array;
  /** [K, d]; absent: the centroids as the decoder draws them, where it still belongs to the codes. */
  readonly prototypes?: Float32Array;
}

/** What predict and transform need. */
export interface FittedNetwork<N extends Network> extends Fitted {
  /** As it was trained. */
  readonly net: N;
  /** [K, p] */
  readonly centroids: Variable;
}

/** The name under which every deep method keeps its centroids [K, p]. */
export const CENTROIDS = "centroids";

/** Base of the methods on any network: subclasses make it and say how to train. */
export abstract class NetworkEstimator<O extends NetworkOptions, N extends Network>
  extends BaseEstimator<O, FittedNetwork<N>> {
  /** Trains: makes its variables, restores once all are made, and runs its phases. */
  protected abstract fitNetwork(fitting: Fitting<N>): Promise<Trained>;

  /** The network for such samples, at its initial weights. @throws {RangeError} where none is. */
  protected abstract network(state: State, shape: SampleShape): N;

  /** What a checkpoint's network was made for; undefined where it holds none. */
  protected abstract shapeOf(variables: Checkpoint["variables"]): SampleShape | undefined;

  /** By default it is. */
  protected override get isPretrained(): boolean {
    return true;
  }

  /** Makes what else predicting needs, of a fit or for `load` to fill; nothing by default. */
  protected prepare(_state: State, _shape: SampleShape): void {}

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
    return nearness(codes, centroids);
  }

  /** Soft assignments of codes [n, p], [n, K]; absent where the method's are hard. */
  protected softAssignment?(codes: Tensor, centroids: Tensor): Tensor;

  /** What the decoder makes of codes [m, p] row-major, in the units of the samples: [m, d]. */
  protected async draw(net: N, codes: Float32Array): Promise<Float32Array> {
    const { inputScale = 1 } = this.options;
    return (await net.draw(codes)).map((value) => value / inputScale);
  }

  /** Makes the network, has it trained, and puts the result together. */
  protected override async train(
    training: Training,
    samples: Samples,
  ): Promise<FitOutcome<FittedNetwork<N>>> {
    const { state, backend, history } = training;
    const net = this.network(state, samples);
    this.prepare(state, samples);
    const { latent } = net.sizes;
    const centroids = state.variable(CENTROIDS, [this.options.clusters, latent]);
    // What is made up to here is what `restore` makes.
    const fitted = fittedNetwork(state, net, centroids);
    using rows = await Rows.open(backend, samples, this.options.inputScale);
    using encoding = await this.encoding(net, rows);
    using resources = new DisposableStack();
    const labelling = resources.use(await this.labelling(encoding, centroids));
    const label = async () => {
      await encoding.run();
      return await labelling.run();
    };
    training.look = async () => ({
      labels: await label(),
      codes: Float32Array.from(await encoding.codes.read()),
    });
    const fitting = { training, net, rows, samples, encoding, centroids, label, resources };
    const trained = await this.fitNetwork(fitting);
    const { end, start, startCodes, partitions = {}, labels = await label() } = trained;
    const [codes, centres] = await backend.read([encoding.codes.region, centroids.region]);
    checkFinite(codes, "the code of row", latent);
    checkFinite(centres, "the centroid of cluster", latent);
    const clusterCenters = Float32Array.from(centres);
    const prototypes = trained.prototypes ??
      (this.keepsDecoder ? await this.draw(net, clusterCenters) : undefined);
    const result: FitResult = {
      labels,
      clusterCenters,
      embedding: Float32Array.from(codes),
      embeddingSize: latent,
      ...prototypes && { prototypes },
      nIter: end.steps,
      stopReason: end.stopReason,
      history,
      ...start !== undefined && { start },
      ...startCodes && { startCodes },
      partitions,
    };
    return { result, fitted };
  }

  /** Network and centroids of a checkpoint. */
  protected override restore(backend: Backend, { variables, host }: Checkpoint): FittedNetwork<N> {
    const samples = this.shapeOf(variables);
    const found = variables.get(CENTROIDS);
    if (samples === undefined || found === undefined) {
      throw new RangeError("checkpoint: it holds no encoder and centroids; was the run finished?");
    }
    // What the training's host remembers is in its own checkpoints, not in those of a fitted model.
    const isOfTraining = Object.keys(host).length > 0;
    if (isOfTraining && found.data.every((value) => value === 0)) {
      throw new RangeError(
        `${NO_CLUSTERS}; if it is finished, the code of every row is 0, and nothing tells clusters apart`,
      );
    }
    const { shape } = found;
    const state = new State(backend);
    try {
      const net = this.network(state, samples);
      this.prepare(state, samples);
      const centroids = state.variable(CENTROIDS, shape);
      state.restore(variables);
      return fittedNetwork(state, net, centroids);
    } catch (error) {
      state.dispose();
      throw error;
    }
  }

  /** Encoder, decoder where it still belongs to it, and assignments. */
  protected override outputs(
    { net, centroids }: FittedNetwork<N>,
    x: Tensor,
  ): Promise<RowOutputs> {
    const { inputScale = 1 } = this.options;
    const code = this.encode(net, scale(x, inputScale));
    const probabilities = this.softAssignment?.(code, centroids);
    return Promise.resolve({
      code,
      affinity: this.affinity(code, centroids),
      ...probabilities && { probabilities },
      ...this.keepsDecoder && { reconstruction: scale(net.decode(code), 1 / inputScale) },
    });
  }

  /** Each row by the largest affinity of its code. */
  protected override async label(
    backend: Backend,
    fitted: FittedNetwork<N>,
    samples: Samples,
  ): Promise<Uint32Array> {
    return await this.withCodes(backend, fitted, samples, async (encoding) => {
      using labelling = await this.labelling(encoding, fitted.centroids);
      return await labelling.run();
    });
  }

  /** Those of the codes. */
  protected override async memberships(
    backend: Backend,
    fitted: FittedNetwork<N>,
    samples: Samples,
  ): Promise<Float32Array> {
    if (!this.softAssignment) return await super.memberships(backend, fitted, samples);
    return await this.withCodes(
      backend,
      fitted,
      samples,
      ({ codes }) =>
        affinitiesOf(
          codes,
          fitted.centroids,
          (part, means) => this.softAssignment!(part, means),
        ),
    );
  }

  /** f(x). */
  protected override async map(
    backend: Backend,
    fitted: FittedNetwork<N>,
    samples: Samples,
  ): Promise<Float32Array> {
    return await this.withCodes(
      backend,
      fitted,
      samples,
      async ({ codes }) => Float32Array.from(await codes.read()),
    );
  }

  /**
   * What the decoder makes of codes [m, p] row-major: rows [m, d].
   * @throws {TypeError} before fit, and where the decoder no longer belongs to the codes.
   * @throws {RangeError} for codes of another size.
   */
  async inverseTransform(codes: Float32Array): Promise<Float32Array> {
    const fitted = this.needFitted();
    if (!this.keepsDecoder) {
      throw new TypeError("this method trains the encoder without its decoder, and cannot draw");
    }
    const { latent } = fitted.net.sizes;
    if (codes.length === 0 || codes.length % latent !== 0) {
      throw new RangeError(
        `codes: their number of values must be a multiple of ${latent} above 0, got ${codes.length}`,
      );
    }
    return await this.draw(fitted.net, codes);
  }

  /** Encodes new rows and hands their codes on. */
  protected async withCodes<T>(
    backend: Backend,
    { net }: FittedNetwork<N>,
    samples: Samples,
    use: (encoding: Encoding) => Promise<T>,
  ): Promise<T> {
    using rows = await Rows.open(backend, samples, this.options.inputScale);
    using encoding = await this.encoding(net, rows);
    await encoding.run();
    return await use(encoding);
  }

  /** A pass that encodes rows. */
  private encoding(net: N, rows: Rows): Promise<Encoding> {
    const { sizes: { latent }, passRows } = net;
    return Encoding.create(rows, (x) => this.encode(net, x), latent, passRows);
  }

  /** A pass that labels codes. */
  private labelling({ codes }: Encoding, centroids: Variable): Promise<Labelling> {
    return Labelling.create(codes, centroids, (codes, means) => this.affinity(codes, means));
  }
}

/**
 * Looks for what the last update has done: no loss was computed after it that would tell.
 * @param values [n, width] row-major. @param what What a row of them is, before its number.
 * @throws {DivergedError} naming the first value that is not finite.
 */
function checkFinite(values: ArrayLike<number>, what: string, width: number): void {
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    throw new DivergedError(
      `${what} ${Math.floor(i / width)} holds ${values[i]} at the end of training; ` +
        "lower the learning rate or check the data: columns of different range want --scale standard",
    );
  }
}

/** A network and centroids with all that the state holds by now. */
function fittedNetwork<N extends Network>(
  state: State,
  net: N,
  centroids: Variable,
): FittedNetwork<N> {
  const { names } = state;
  return {
    net,
    centroids,
    columns: net.sizes.inputs,
    snapshot: () => state.snapshot(names),
    dispose: () => state.dispose(),
  };
}

/** Base of the methods on a fully connected autoencoder: subclasses say how to train. */
export abstract class DeepEstimator<O extends ArchitectureOptions & NetworkOptions>
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
