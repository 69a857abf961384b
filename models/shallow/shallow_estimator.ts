/** Base of the methods without a network: they cluster rows as they are, all of them in memory. */
import type { Backend } from "../../engine/backend/backend.ts";
import type { Snapshot } from "../../engine/state/state.ts";
import { type Checkpoint, type FitResult, type Samples, valuesOf } from "../estimator.ts";
import { BaseEstimator, type FitOutcome, type Fitted } from "../training/base_estimator.ts";
import type { Training } from "../training/trainer.ts";

/** Rows in memory. */
export interface HostRows {
  /** [n, d] row-major. */
  readonly data: Float32Array;
  /** Rows. */
  readonly n: number;
  /** Columns. */
  readonly d: number;
}

/** What a method's iterations came to, next to the variables that hold the clusters. */
export interface Found {
  /** Iterations of the restart that was kept. */
  readonly iterations: number;
  /** Why they ended, for people. */
  readonly stopReason: string;
  /** [n]; absent: the rows are assigned anew. */
  readonly labels?: Uint32Array;
  /** See {@linkcode FitResult}. */
  readonly bic?: number;
}

/** The clusters of a method, on the host. */
export interface ShallowModel {
  /** d of the rows that they were found in. */
  readonly columns: number;
  /** [K, d] row-major, in the units of the rows. */
  readonly centers: Float32Array;
}

/** Base of the methods: subclasses find clusters, read them out of variables, and assign rows. */
export abstract class ShallowEstimator<
  O extends { readonly clusters: number },
  M extends ShallowModel,
> extends BaseEstimator<O, M & Fitted> {
  /** What messages call the method. */
  protected abstract readonly title: string;

  /** Makes variables, restores once all are made, and finds clusters. */
  protected abstract find(training: Training, rows: HostRows): Promise<Found>;

  /** The clusters that variables hold. @throws {RangeError} where something is missing. */
  protected abstract modelOf(variables: ReadonlyMap<string, Snapshot>): M;

  /** Labels of rows, [n]. */
  protected abstract assign(backend: Backend, model: M, rows: HostRows): Promise<Uint32Array>;

  /** Soft assignments of rows, [n, K]; absent where the method's are hard. */
  protected share?(backend: Backend, model: M, rows: HostRows): Promise<Float32Array>;

  /** Finds clusters, and keeps them on the host. */
  protected override async train(
    training: Training,
    samples: Samples,
  ): Promise<FitOutcome<M & Fitted>> {
    const { backend, state, history } = training;
    const rows = this.rowsOf(samples);
    const { iterations, stopReason, labels, bic } = await this.find(training, rows);
    const variables = await state.snapshot();
    const fitted = this.restore(backend, { variables, host: {} });
    training.dispose();
    const result: FitResult = {
      labels: labels ?? await this.assign(backend, fitted, rows),
      clusterCenters: fitted.centers,
      embedding: rows.data.slice(),
      embeddingSize: rows.d,
      prototypes: fitted.centers,
      ...bic !== undefined && { bic },
      nIter: iterations,
      stopReason,
      history,
      partitions: {},
    };
    return { result, fitted };
  }

  /** The clusters of a checkpoint. */
  protected override restore(_backend: Backend, { variables }: Checkpoint): M & Fitted {
    return {
      ...this.modelOf(variables),
      snapshot: () => Promise.resolve(variables),
      dispose() {},
    };
  }

  /** See `assign`. */
  protected override async label(
    backend: Backend,
    model: M,
    samples: Samples,
  ): Promise<Uint32Array> {
    return await this.assign(backend, model, this.rowsOf(samples));
  }

  /** See `share`. */
  protected override async memberships(
    backend: Backend,
    model: M & Fitted,
    samples: Samples,
  ): Promise<Float32Array> {
    if (!this.share) return await super.memberships(backend, model, samples);
    return await this.share(backend, model, this.rowsOf(samples));
  }

  /** A copy of the rows: they are clustered as they are. */
  protected override map(_backend: Backend, _model: M, samples: Samples): Promise<Float32Array> {
    return Promise.resolve(this.rowsOf(samples).data.slice());
  }

  /** The rows, in memory. @throws {TypeError} for rows from a source. */
  private rowsOf(samples: Samples): HostRows {
    return { data: valuesOf(samples, this.title), n: samples.n, d: samples.d };
  }
}
