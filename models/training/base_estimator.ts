/** What every method shares: checks, devices, interruption, and what is left by fit or load. */
import type { Backend } from "../../engine/backend/backend.ts";
import { openDevice } from "../../engine/device.ts";
import { State } from "../../engine/state/state.ts";
import { Tensor } from "../../engine/tensor/tensor.ts";
import {
  type Checkpoint,
  checkSamples,
  type Estimator,
  type FitContext,
  type FitResult,
  InterruptedError,
  type RowGraph,
  type RowOutputs,
  type Samples,
} from "../estimator.ts";
import { Training } from "./trainer.ts";

/** What predict and transform need. */
export interface Fitted {
  /** Columns of the rows that it was trained on. */
  readonly columns: number;
  /** The variables that hold it, by name. */
  snapshot(): Promise<Checkpoint["variables"]>;
  /** Frees what it holds on the device. */
  dispose(): void;
}

/** What training leaves. */
export interface FitOutcome<F extends Fitted> {
  /** For the caller. */
  readonly result: FitResult;
  /** For the model. */
  readonly fitted: F;
}

/** Rows of a graph's x: any number would do; a prime shows in no other size. */
const GRAPH_ROWS = 1009;

/** Base of all methods: subclasses train, load, predict and transform. */
export abstract class BaseEstimator<O extends { readonly clusters: number }, F extends Fitted>
  implements Estimator<O> {
  /** Its method's name in the registry. */
  abstract readonly name: string;
  private current:
    | { readonly backend: Backend; readonly isOwned: boolean; readonly fitted: F }
    | undefined;

  /**
   * Keeps the options; devices are opened by `fit` and `load`.
   * @param options Complete and checked.
   */
  constructor(readonly options: O) {}

  /** Whether a network is pre-trained, so that another run's may take its place. */
  protected get isPretrained(): boolean {
    return false;
  }

  /** Trains, and keeps what predicting needs. What it makes in `training` is freed if it fails. */
  protected abstract train(
    training: Training,
    samples: Samples,
  ): Promise<FitOutcome<F>>;

  /** What predicting needs, out of a checkpoint. @throws {RangeError} where that does not hold it. */
  protected abstract restore(backend: Backend, checkpoint: Checkpoint): F;

  /** Labels of new rows, [n], which have been checked. */
  protected abstract label(backend: Backend, fitted: F, samples: Samples): Promise<Uint32Array>;

  /** Soft assignments of new rows, [n, K] row-major, which have been checked. */
  protected memberships(
    _backend: Backend,
    _fitted: F,
    _samples: Samples,
  ): Promise<Float32Array> {
    throw new TypeError(
      `${this.name} has no soft assignments: each row belongs to one cluster, which predict gives`,
    );
  }

  /** Codes of new rows, [n, p] row-major, which have been checked. */
  protected abstract map(backend: Backend, fitted: F, samples: Samples): Promise<Float32Array>;

  /** What predicting computes of rows x [n, d], as tensors. @param memory Owns variables that it makes. */
  protected abstract outputs(fitted: F, x: Tensor, memory: State): Promise<RowOutputs>;

  /**
   * Trains on `samples` from the start or from `context.resume`; an earlier fit is disposed of.
   * @throws {RangeError} for samples that do not fit the options, for `context.truth` of other rows, and
   * for `context.pretrained` where nothing is pre-trained.
   * @throws {TypeError} for samples from a source, where the method needs all rows in memory.
   * @throws {DivergedError} where a loss is not finite.
   * @throws {InterruptedError} where `context.signal` aborts; a checkpoint is written where there is
   * anything to go on from.
   */
  async fit(samples: Samples, context: FitContext = {}): Promise<FitResult> {
    checkSamples(samples, this.options.clusters);
    this.checkContext(samples, context);
    return await this.on(context.backend, context, async (backend) => {
      const training = new Training(backend, context);
      try {
        context.signal?.throwIfAborted();
        return await this.train(training, samples);
      } catch (error) {
        // What runs to its end between two steps stops by itself, before it has changed a variable.
        const isAborted = context.signal?.aborted && error === context.signal.reason;
        if (isAborted) await training.save();
        training.dispose();
        throw isAborted ? new InterruptedError("interrupted; what there was is saved") : error;
      }
    });
  }

  /** Looks at what does not depend on training. @throws {RangeError} for what has no place in this fit. */
  private checkContext({ n }: Samples, { truth, pretrained }: FitContext): void {
    if (pretrained && !this.isPretrained) {
      throw new RangeError(
        `pretrained: ${this.name} with these options pre-trains nothing, so another run's network ` +
          "has no place",
      );
    }
    if (truth === undefined) return;
    if (truth.length !== n) {
      throw new RangeError(`truth: it has ${truth.length} classes, and there are ${n} rows`);
    }
    const wrong = Array.from(truth).findIndex((label) => !Number.isSafeInteger(label) || label < 0);
    if (wrong < 0) return;
    throw new RangeError(
      `truth: the class of row ${wrong} is ${truth[wrong]}; classes are whole numbers from 0 on`,
    );
  }

  /** `fit`, and its labels [n]. */
  async fitPredict(samples: Samples, context?: FitContext): Promise<Uint32Array> {
    return (await this.fit(samples, context)).labels;
  }

  /** What `load` needs, after fit or load. @throws {TypeError} before both. */
  async checkpoint(): Promise<Checkpoint> {
    return { variables: await this.needFitted().snapshot(), host: {} };
  }

  /**
   * Loads what `fit` had saved, so that predict and transform work.
   * @param backend Where to; absent: a device of the model's own, closed by `dispose`.
   * @throws {RangeError} where the checkpoint lacks it, or was made by other options.
   */
  async load(checkpoint: Checkpoint, backend?: Backend): Promise<void> {
    await this.on(backend, {}, (device) => {
      const fitted = this.restore(device, checkpoint);
      return Promise.resolve({ result: undefined, fitted });
    });
  }

  /**
   * Labels of new rows, [n].
   * @throws {TypeError} before fit. @throws {RangeError} for other columns than in training.
   */
  async predict(samples: Samples): Promise<Uint32Array> {
    return await this.use(samples, (backend, fitted) => this.label(backend, fitted, samples));
  }

  /**
   * Soft assignments of new rows, [n, K] row-major, rows that sum to 1: what the registry says of the
   * method as `softAssignment`.
   * @throws {TypeError} before fit, and for a method whose assignments are hard.
   * @throws {RangeError} for other columns than in training, and for a row so far from the training's
   * that float32 holds none of its affinities.
   */
  async predictProba(samples: Samples): Promise<Float32Array> {
    return await this.use(samples, async (backend, fitted) => {
      const shares = await this.memberships(backend, fitted, samples);
      const bad = shares.findIndex((share) => !Number.isFinite(share));
      if (bad < 0) return shares;
      throw new RangeError(
        `samples: row ${
          Math.floor(bad * samples.n / shares.length)
        } has no soft assignments: its ` +
          "values, or what the model makes of them, leave float32's range; are they in the units of " +
          "the training?",
      );
    });
  }

  /**
   * Codes of new rows, [n, p] row-major.
   * @throws {TypeError} before fit. @throws {RangeError} for other columns than in training.
   */
  async transform(samples: Samples): Promise<Float32Array> {
    return await this.use(samples, (backend, fitted) => this.map(backend, fitted, samples));
  }

  /** See {@linkcode Estimator.withGraph}. */
  async withGraph<T>(use: (graph: RowGraph) => Promise<T>): Promise<T> {
    const fitted = this.needFitted();
    using memory = new State(this.current!.backend);
    const x = new Tensor([GRAPH_ROWS, fitted.columns], "f32");
    return await use({ x, ...await this.outputs(fitted, x, memory) });
  }

  /** Frees what fit or load left, and closes the device where the model opened it. */
  async dispose(): Promise<void> {
    const { current } = this;
    this.current = undefined;
    current?.fitted.dispose();
    if (current?.isOwned) await current.backend.dispose();
  }

  /** What `fit` or `load` left. @throws {TypeError} before both. */
  protected needFitted(): F {
    if (this.current) return this.current.fitted;
    throw new TypeError("this model is not fitted yet; call fit or load first");
  }

  /** Checks rows and hands them on with what predicting needs. */
  private async use<T>(
    samples: Samples,
    work: (backend: Backend, fitted: F) => Promise<T>,
  ): Promise<T> {
    const fitted = this.needFitted();
    checkSamples(samples, undefined, fitted.columns);
    return await work(this.current!.backend, fitted);
  }

  /** Does `work` on the given device or one that is opened, and keeps what it fitted. */
  private async on<R>(
    given: Backend | undefined,
    { device }: FitContext,
    work: (backend: Backend) => Promise<{ readonly result: R; readonly fitted: F }>,
  ): Promise<R> {
    await this.dispose();
    const backend = given ?? await openDevice(device);
    const isOwned = given === undefined;
    try {
      const { result, fitted } = await work(backend);
      this.current = { backend, isOwned, fitted };
      return result;
    } catch (error) {
      if (isOwned) await backend.dispose();
      throw error;
    }
  }
}
