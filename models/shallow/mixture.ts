/**
 * Gaussian mixtures by expectation–maximisation (Dempster, Laird and Rubin, 1977), from k-means. A
 * step is one pass over the rows on the device, for responsibilities and moments; the few matrices
 * that come of it are factored on the host in float64. Rows are centred and scaled before, so that
 * float32 holds them well whatever their units are.
 */
import { argExtreme } from "../../kernels/arg_extreme.ts";
import type { Backend } from "../../engine/backend/backend.ts";
import { greaterEqual, mul } from "../../engine/ops/binary.ts";
import { callKernel } from "../../engine/ops/call.ts";
import { advance } from "../../engine/ops/counter.ts";
import { batchRows } from "../../engine/ops/random.ts";
import { gather, scatterRows } from "../../engine/ops/rows.ts";
import { logSumExp, softmax } from "../../engine/ops/softmax.ts";
import { type Program, trace } from "../../engine/planner/program.ts";
import { State } from "../../engine/state/state.ts";
import { Table } from "../../engine/state/table.ts";
import type { Tensor, Variable } from "../../engine/tensor/tensor.ts";
import { kmeans, momentsOf } from "./kmeans.ts";
import type { Components, CovarianceType, Maximization, Mixture } from "./mixture_components.ts";
import { makeComponents } from "./mixture_kinds.ts";

/** How a mixture is fitted; variances are in units of the rows' mean variance. */
export interface MixtureOptions extends Maximization {
  /** K */
  readonly clusters: number;
  /** Kind of the covariances. */
  readonly covariance: CovarianceType;
  /** Most steps from one k-means. */
  readonly maxIterations: number;
  /** Stops when the mean log-likelihood of a row changes by less. */
  readonly tolerance: number;
  /** Of k-means' seeding, 32 bits. */
  readonly seed: number;
  /** Aborting rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What EM led to. */
export interface MixtureFit {
  /** Of standardised rows. */
  readonly mixture: Mixture;
  /**
   * Mean log-likelihood of a row in its own units (and log prior over N) before every step and in
   * the end.
   */
  readonly objectives: readonly number[];
  /** Steps. */
  readonly iterations: number;
  /** Whether it stopped by its tolerance. */
  readonly converged: boolean;
}

/** Σ_k (α − 1) log π_k: the logarithm of the prior of weights, but for a constant. */
function logPriorOf(weights: ArrayLike<number>, prior: number): number {
  if (prior === 1) return 0;
  let sum = 0;
  for (let k = 0; k < weights.length; k++) sum += (prior - 1) * Math.log(weights[k]);
  return sum;
}

/**
 * −2 log L + f log N with f free parameters (Schwarz, Annals of Statistics 6(2), 1978).
 * @param objective Mean log-likelihood of a row, and log prior over N. @param weights π, [K].
 * @param n Rows. @param d Columns.
 */
export function bicOf(
  objective: number,
  weights: ArrayLike<number>,
  n: number,
  d: number,
  { covariance, prior, sigma2 }: Pick<MixtureOptions, "covariance" | "prior" | "sigma2">,
): number {
  const k = weights.length;
  const perCovariance = covariance === "full" ? k * d * (d + 1) / 2 : k * d;
  const variances = covariance === "isotropic" ? (sigma2 > 0 ? 0 : 1) : perCovariance;
  const free = k - 1 + k * d + variances;
  const logLikelihood = n * objective - logPriorOf(weights, prior);
  return free * Math.log(n) - 2 * logLikelihood;
}

/** How rows become those that a mixture is of: (x − shift)/scale. */
export interface Standardization {
  /** The rows' mean, [d]. */
  readonly shift: Float32Array;
  /** Square root of the mean over columns of their variance; 1 where all rows are equal. */
  readonly scale: number;
}

/** The standardisation by rows [n, d], in float32 as it is stored. */
export function standardizationOf(data: ArrayLike<number>, d: number): Standardization {
  const { means, variances } = momentsOf(data, d);
  const scale = Math.fround(Math.sqrt(variances.reduce((a, b) => a + b, 0) / d));
  return { shift: Float32Array.from(means), scale: scale > 0 ? scale : 1 };
}

/** Most elements [rows, K, d] of a block. */
const BLOCK_ELEMENTS = 2 ** 22;
/** Most rows of a block. */
const BLOCK_ROWS = 1024;

/** What is done with a block: its rows x, their places in the data, and their numbers in the pass. */
type PerBlock = (x: Tensor, places: Tensor, numbers: Tensor) => void;

/** Rows on the device, standardised, and a mixture that passes over them in blocks. */
class MixtureRows {
  /** Owns everything but the rows. */
  readonly state: State;
  /** The rows, [N, d]. */
  readonly table: Table;
  /** Of the mixture, on the device. */
  readonly components: Components;
  /** Rows of a block; the last one goes on at the first row. */
  readonly count: number;
  private readonly blocks: number;
  private readonly cursor: Variable;
  /** 1 for each number of a row, 0 past the last one: f32 [blocks·count, 1]. */
  private readonly isRow: Table;
  private readonly programs: Program[] = [];

  /** @param data [n, d] in its own units. @param k Components. */
  constructor(
    readonly backend: Backend,
    data: Float32Array,
    d: number,
    { shift, scale }: Standardization,
    kind: CovarianceType,
    k: number,
  ) {
    const n = data.length / d;
    const rows = data.map((value, i) => (value - shift[i % d]) / scale);
    this.table = Table.upload(backend, "standardised samples", rows, n, d);
    this.state = new State(backend);
    const most = Math.max(Math.min(BLOCK_ROWS, Math.floor(BLOCK_ELEMENTS / (k * d))), 1);
    this.blocks = Math.ceil(n / most);
    this.count = Math.ceil(n / this.blocks);
    this.components = makeComponents(kind, this.state, k, d, this.count);
    const numbers = this.blocks * this.count;
    const isRow = new Float32Array(numbers).fill(1, 0, n);
    this.cursor = this.variable("cursor", [1], "u32");
    this.isRow = Table.of(this.variable("rows of a pass", [numbers, 1], "f32", isRow));
  }

  /** A variable that is not saved. */
  variable(name: string, shape: number[], dtype: "f32" | "u32" = "f32", data?: Float32Array) {
    return this.state.variable(`mixture ${name}`, shape, {
      dtype,
      ...(data === undefined ? {} : { data }),
      saved: false,
    });
  }

  /** A pass over all rows, which the returned function enqueues. */
  async pass(label: string, perBlock: PerBlock): Promise<() => void> {
    const { table, count, blocks, cursor, backend } = this;
    const order = { order: "sequential", batch: count, batches: blocks, count } as const;
    const block = { ...order, seed: 0, stream: 0 };
    const program = await trace(backend, () => {
      const places = batchRows(cursor, { ...block, total: table.rows });
      const numbers = batchRows(cursor, { ...block, total: blocks * count });
      perBlock(gather(table, places), places, numbers);
      advance(cursor);
      return {};
    }, label);
    this.programs.push(program);
    return () => program.run(blocks);
  }

  /** Adds the moments of a block by responsibilities [count, K]: every row once. */
  accumulate(x: Tensor, responsibilities: Tensor, numbers: Tensor): void {
    this.components.accumulate(x, mul(responsibilities, gather(this.isRow, numbers)));
  }

  /** Frees the memory. */
  [Symbol.dispose](): void {
    for (const program of this.programs) program.dispose();
    this.table.dispose();
    this.state.dispose();
  }
}

/** EM on rows that stay on the device. */
export class ExpectationMaximization {
  private constructor(
    private readonly rows: MixtureRows,
    private readonly standardization: Standardization,
    private readonly options: MixtureOptions,
    /** Cluster of each row as a number, f32 [N, 1]. */
    private readonly partition: Variable,
    /** log Σ_k π_k N(x | μ_k, Σ_k) of each row as the components give it, [N]. */
    private readonly logSums: Variable,
    /** Moments of a partition. */
    private readonly begin: () => void,
    /** Responsibilities, and moments by them. */
    private readonly step: () => void,
  ) {}

  /**
   * Uploads the rows.
   * @param data [n, d] row-major, in its own units. @param standardization Of these rows.
   * @throws {RangeError} where the covariances do not fit the device.
   */
  static async create(
    backend: Backend,
    data: Float32Array,
    d: number,
    standardization: Standardization,
    options: MixtureOptions,
  ): Promise<ExpectationMaximization> {
    const { clusters: k, covariance } = options;
    const rows = new MixtureRows(backend, data, d, standardization, covariance, k);
    const { components, table: { rows: n } } = rows;
    const numbers = Float32Array.from({ length: k }, (_, i) => i);
    const clusters = rows.variable("cluster numbers", [k], "f32", numbers);
    const partition = rows.variable("partition", [n, 1]);
    const logSums = rows.variable("log sums", [n]);
    const begin = await rows.pass("moments of a partition", (x, places, numbers) => {
      const own = gather(Table.of(partition), places);
      // 1 where both are equal.
      const gamma = mul(greaterEqual(own, clusters), greaterEqual(clusters, own));
      rows.accumulate(x, gamma, numbers);
    });
    const step = await rows.pass("EM step", (x, _places, numbers) => {
      const joint = components.logJoint(x);
      scatterRows(logSums, numbers, logSumExp(joint));
      rows.accumulate(x, softmax(joint), numbers);
    });
    return new ExpectationMaximization(
      rows,
      standardization,
      options,
      partition,
      logSums,
      begin,
      step,
    );
  }

  /** From the `run`-th k-means. @throws what the options' signal gives as its reason. */
  async fromKMeans(run: number): Promise<MixtureFit> {
    const { rows: { backend, table }, options: { clusters, seed, signal } } = this;
    const settings = { clusters, seed, run, signal, nInit: 1 };
    // Standardised rows have the mean variance 1; where all are equal, no centre moves.
    const { labels } = await kmeans(backend, table, 1, settings);
    return await this.fromPartition(labels);
  }

  /** From the moments of a partition, [N]. @throws what the options' signal gives as its reason. */
  async fromPartition(labels: ArrayLike<number>): Promise<MixtureFit> {
    const { rows: { components }, options } = this;
    const { maxIterations, tolerance, signal } = options;
    this.partition.write(Float32Array.from(labels));
    components.writeOrigin();
    components.clear();
    this.begin();
    let mixture = await components.maximize(options);
    const objectives: number[] = [];
    for (let iterations = 0;; iterations++) {
      signal?.throwIfAborted();
      components.write(mixture);
      components.clear();
      this.step();
      const before = objectives.at(-1) ?? -Infinity;
      const objective = this.objective(mixture, await this.logSums.read());
      objectives.push(objective);
      const converged = Math.abs(objective - before) < tolerance;
      if (converged || iterations === maxIterations) {
        return { mixture, objectives, iterations, converged };
      }
      mixture = await components.maximize(options);
    }
  }

  /** Frees rows, parameters and programs. */
  [Symbol.dispose](): void {
    this.rows[Symbol.dispose]();
  }

  private objective({ weights }: Mixture, logSums: ArrayLike<number>): number {
    const { rows: { components, table }, standardization: { scale }, options: { prior } } = this;
    const likelihood = components.meanLogLikelihood(logSums) - table.width * Math.log(scale);
    return likelihood + logPriorOf(weights, prior) / table.rows;
  }
}

/**
 * The likeliest of EM from several k-means, or EM from one partition.
 * @param data [n, d] row-major, in its own units. @param from How many k-means, or the partition [n].
 * @throws what the options' signal gives as its reason.
 */
export async function fitMixture(
  backend: Backend,
  data: Float32Array,
  d: number,
  from: number | Uint32Array,
  options: MixtureOptions,
): Promise<MixtureFit & { readonly standardization: Standardization }> {
  const standardization = standardizationOf(data, d);
  using em = await ExpectationMaximization.create(backend, data, d, standardization, options);
  if (typeof from !== "number") return { ...await em.fromPartition(from), standardization };
  let best = await em.fromKMeans(0);
  for (let run = 1; run < from; run++) {
    const fit = await em.fromKMeans(run);
    if (fit.objectives.at(-1)! > best.objectives.at(-1)!) best = fit;
  }
  return { ...best, standardization };
}

/**
 * The responsibilities of the components for each row, γ_ik.
 * @param data [n, d] in its own units. @returns [n, K], rows that sum to 1.
 */
export async function responsibilitiesOf(
  backend: Backend,
  data: Float32Array,
  d: number,
  standardization: Standardization,
  kind: CovarianceType,
  mixture: Mixture,
): Promise<Float32Array> {
  const k = mixture.weights.length;
  using rows = new MixtureRows(backend, data, d, standardization, kind, k);
  const { components, table } = rows;
  const gamma = rows.variable("responsibilities", [table.rows, k]);
  const pass = await rows.pass("responsibilities", (x, _places, numbers) => {
    scatterRows(gamma, numbers, softmax(components.logJoint(x)));
  });
  components.write(mixture);
  pass();
  return Float32Array.from(await gamma.read());
}

/**
 * The component of which each row is most likely, ties to the lowest: argmax_k γ_ik.
 * @param data [n, d] in its own units. @returns u32 [n].
 */
export async function assignToMixture(
  backend: Backend,
  data: Float32Array,
  d: number,
  standardization: Standardization,
  kind: CovarianceType,
  mixture: Mixture,
): Promise<Uint32Array> {
  const k = mixture.weights.length;
  using rows = new MixtureRows(backend, data, d, standardization, kind, k);
  const { components, count, table } = rows;
  const labels = rows.variable("labels", [table.rows], "u32");
  const best = rows.variable("best of a block", [count], "u32");
  const value = rows.variable("value of the best", [count]);
  const assign = await rows.pass("assignment to a mixture", (x, _places, numbers) => {
    const joint = components.logJoint(x);
    callKernel(argExtreme, { rows: count, n: k }, [joint, best, value], { MODE: 1 });
    scatterRows(labels, numbers, best);
  });
  components.write(mixture);
  assign();
  return await labels.read() as Uint32Array;
}
