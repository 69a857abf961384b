/** What every method on a fully connected autoencoder shares: devices, samples, predict, load. */
import type { Backend } from "../engine/backend.ts";
import { openDevice } from "../engine/device.ts";
import { State } from "../engine/state.ts";
import { Table } from "../engine/table.ts";
import type { Variable } from "../engine/tensor.ts";
import { type ArchitectureOptions, Autoencoder } from "./autoencoder.ts";
import {
  type Checkpoint,
  checkSamples,
  type Estimator,
  type FitContext,
  type FitResult,
  type Samples,
} from "./estimator.ts";
import { Training } from "./trainer.ts";
import { Assignment, Encoding } from "./whole_pass.ts";

/** A fit in progress, as a method's `train` gets it. */
export interface Fitting {
  readonly training: Training;
  readonly net: Autoencoder;
  /** The samples on the device, [n, d]. */
  readonly table: Table;
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

  /** @param options Complete and checked. */
  constructor(readonly options: O) {}

  /**
   * Trains. Makes a variable named {@linkcode CENTROIDS} among others, restores once all are made,
   * and returns the result.
   */
  protected abstract train(fitting: Fitting): Promise<FitResult>;

  /** @inheritdoc */
  async fit(samples: Samples, context: FitContext = {}): Promise<FitResult> {
    checkSamples(samples, this.options.clusters);
    await this.dispose();
    const backend = context.backend ?? await openDevice(context.device);
    const ownsBackend = context.backend === undefined;
    const training = new Training(backend, context);
    try {
      const net = new Autoencoder(training.state, this.sizes(samples.d), this.options.seed);
      using table = Table.upload(backend, "samples", samples.data, samples.n, samples.d);
      const { truth } = context;
      const result = await this.train({ training, net, table, samples, truth });
      const centroids = training.state.get(CENTROIDS);
      this.fitted = { backend, ownsBackend, state: training.state, net, centroids };
      return result;
    } catch (error) {
      training.dispose();
      if (ownsBackend) await backend.dispose();
      throw error;
    }
  }

  /** @inheritdoc */
  async fitPredict(samples: Samples, context?: FitContext): Promise<Uint32Array> {
    return (await this.fit(samples, context)).labels;
  }

  /** @inheritdoc The label is that of the nearest centroid, which has the largest q. */
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

  /** @inheritdoc The code f(x). */
  async transform(samples: Samples): Promise<Float32Array> {
    return await this.withCodes(
      samples,
      async (encoding) => Float32Array.from(await encoding.codes.read()),
    );
  }

  /** @inheritdoc */
  async load(checkpoint: Checkpoint, backend?: Backend): Promise<void> {
    const { variables } = checkpoint;
    const inputs = variables.get("encoder.0.weight")?.shape[0];
    const shape = variables.get(CENTROIDS)?.shape;
    if (inputs === undefined || shape === undefined) {
      throw new RangeError("checkpoint: it holds no encoder and centroids; was the run finished?");
    }
    await this.dispose();
    const device = backend ?? await openDevice();
    const state = new State(device);
    const net = new Autoencoder(state, this.sizes(inputs), this.options.seed);
    const centroids = state.variable(CENTROIDS, shape);
    this.fitted = { backend: device, ownsBackend: backend === undefined, state, net, centroids };
    state.restore(variables);
  }

  /** @inheritdoc */
  async dispose(): Promise<void> {
    const { fitted } = this;
    this.fitted = undefined;
    fitted?.state.dispose();
    if (fitted?.ownsBackend) await fitted.backend.dispose();
  }

  private sizes(inputs: number) {
    const { hidden, latent } = this.options;
    return { inputs, hidden, latent };
  }

  private needFitted(): Fitted {
    if (!this.fitted) throw new TypeError("this model is not fitted yet; call fit or load first");
    return this.fitted;
  }

  private async withCodes<T>(
    samples: Samples,
    use: (encoding: Encoding) => Promise<T>,
  ): Promise<T> {
    const { backend, net } = this.needFitted();
    checkSamples(samples, undefined, net.sizes.inputs);
    using table = Table.upload(backend, "samples", samples.data, samples.n, samples.d);
    using encoding = await Encoding.create(table, (x) => net.encode(x), net.sizes.latent);
    encoding.run();
    return await use(encoding);
  }
}
