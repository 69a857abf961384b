/**
 * k-means: Lloyd's algorithm from k-means++ seeds with greedy candidates (Arthur and Vassilvitskii,
 * SODA 2007; the greedy form as scikit-learn has it), all restarts side by side on the device.
 */
import { argExtreme } from "../../kernels/arg_extreme.ts";
import { distances as distancesKernel } from "../../kernels/distances.ts";
import { gather as gatherKernel } from "../../kernels/gather.ts";
import { kmeansAssign } from "../../kernels/kmeans_assign.ts";
import { kmeansSeedChoose } from "../../kernels/kmeans_seed_choose.ts";
import { kmeansSeedDistance } from "../../kernels/kmeans_seed_distance.ts";
import { kmeansSum } from "../../kernels/kmeans_sum.ts";
import { kmeansUpdate } from "../../kernels/kmeans_update.ts";
import { reduce } from "../../kernels/reduce.ts";
import type { Backend } from "../../engine/backend/backend.ts";
import { callKernel } from "../../engine/ops/call.ts";
import { advance } from "../../engine/ops/counter.ts";
import { trace } from "../../engine/planner/program.ts";
import { checkSeed, RandomStream, STREAM } from "../../engine/random.ts";
import { State } from "../../engine/state/state.ts";
import type { Table } from "../../engine/state/table.ts";
import { type Tensor, Variable } from "../../engine/tensor/tensor.ts";
import { DivergedError } from "../estimator.ts";

/** Options of {@linkcode kmeans}. */
export interface KMeansOptions {
  /** K, at least 1 and at most the number of points. */
  readonly clusters: number;
  /** Restarts; the one of lowest inertia is kept. Default 10. */
  readonly nInit?: number;
  /** Most Lloyd iterations of a restart. Default 300. */
  readonly maxIterations?: number;
  /** Stops when Σ‖Δμ‖² ≤ tolerance · mean variance of the columns. Default 1e-4. */
  readonly tolerance?: number;
  /** Of the k-means++ seeding, 32 bits. Default 0. */
  readonly seed?: number;
  /** Aborting rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Distinguishes several runs of k-means within one training. Default 0. */
  readonly run?: number;
}

/** What {@linkcode kmeans} found. */
export interface KMeansResult {
  /** [n], in [0, K). */
  readonly labels: Uint32Array;
  /** [K, d] row-major. */
  readonly centroids: Float32Array;
  /** Σ of squared distances to the own centroid, of the kept restart. */
  readonly inertia: number;
  /** Of every restart. */
  readonly inertias: number[];
  /** Lloyd iterations of the kept restart. */
  readonly iterations: number;
  /** Whether it stopped by its tolerance. */
  readonly converged: boolean;
  /** Clusters without points in the end: fewer distinct points than clusters. */
  readonly emptyClusters: number;
}

/** Options with their defaults filled in. */
type Settings = Required<Omit<KMeansOptions, "signal">> & Pick<KMeansOptions, "signal">;

/** Points of one partial sum of seeding, fixed in `kmeans_seed_distance`. */
const SEED_BLOCK = 256;
/** Points of one partial sum of the update. */
const SUM_BLOCK = 1024;
/** Lloyd iterations between two looks at the device. */
const ITERATIONS_PER_READ = 8;
/** Most bytes that the distances of all restarts may take; beyond, restarts run in groups. */
const SEED_BYTES = 2 ** 26;

/**
 * Clusters the rows of a table.
 *
 * @param backend The table's device. @param points [n, d]. @param meanVariance The mean over columns
 *   of their variance, which makes the tolerance relative; see {@linkcode meanVarianceOf}.
 * @throws {RangeError} where K is not between 1 and n, or nInit < 1.
 * @throws {DivergedError} where no restart has a finite inertia: the points hold NaN, or are too far apart.
 */
export async function kmeans(
  backend: Backend,
  points: Table,
  meanVariance: number,
  options: KMeansOptions,
): Promise<KMeansResult> {
  const settings = checkOptions(points, options);
  const { nInit, clusters } = settings;
  const trials = 2 + Math.floor(Math.log(clusters));
  // The groups must not depend on the device: a restart's random numbers depend on its group.
  const group = Math.max(1, Math.min(nInit, Math.floor(SEED_BYTES / (4 * trials * points.rows))));
  let best: KMeansResult | undefined;
  const inertias: number[] = [];
  for (let first = 0; first < nInit; first += group) {
    options.signal?.throwIfAborted();
    const runs = Math.min(group, nInit - first);
    const result = await runGroup(backend, points, meanVariance, settings, first, runs, trials);
    inertias.push(...result.inertias);
    if (!best || result.inertia < best.inertia) best = result;
  }
  return { ...best!, inertias };
}

function checkOptions(points: Table, options: KMeansOptions): Settings {
  const settings = {
    nInit: 10,
    maxIterations: 300,
    tolerance: 1e-4,
    seed: 0,
    run: 0,
    ...options,
  };
  const { clusters, nInit, maxIterations, seed } = settings;
  if (!Number.isInteger(clusters) || clusters < 1 || clusters > points.rows) {
    throw new RangeError(
      `kmeans: clusters must be an integer from 1 to the number of points, ${points.rows}; ` +
        `got ${clusters}`,
    );
  }
  if (!Number.isInteger(nInit) || nInit < 1) {
    throw new RangeError(`kmeans: nInit must be an integer ≥ 1, got ${nInit}`);
  }
  if (!Number.isInteger(maxIterations) || maxIterations < 1) {
    throw new RangeError(`kmeans: maxIterations must be an integer ≥ 1, got ${maxIterations}`);
  }
  checkSeed(seed);
  return settings;
}

/** Restarts `first` … `first + runs − 1`, side by side. */
async function runGroup(
  backend: Backend,
  points: Table,
  meanVariance: number,
  settings: Settings,
  first: number,
  runs: number,
  trials: number,
): Promise<KMeansResult> {
  const { clusters: k, maxIterations, tolerance, signal } = settings;
  const { rows: total, width: d } = points;
  using memory = new State(backend);
  const scratch = (name: string, shape: number[], dtype: "f32" | "u32" = "f32") =>
    memory.variable(`kmeans ${name}`, shape, { dtype, saved: false });

  const centroids = scratch("centroids", [runs, k, d]);
  const labels = scratch("labels", [runs, total], "u32");
  const nearest = scratch("distances", [runs, total]);
  await seedCentroids(backend, points, settings, centroids, first, trials);

  const blocks = Math.ceil(total / SUM_BLOCK);
  const sums = scratch("sums", [runs, blocks, k, d + 1]);
  const farthestRow = scratch("farthest row", [runs], "u32");
  const farthestDistance = scratch("farthest distance", [runs]);
  const farthest = scratch("farthest", [runs, d]);
  const state = scratch("state", [runs, 4]);
  const allRunning = scratch("state of the first iteration", [runs, 4]);
  const limit = scratch("tolerance", [1]);
  limit.write(Float32Array.of(tolerance * meanVariance));

  const assignAll = (state: Variable) => assignRows(points, centroids, state, labels, nearest);
  // A restart that has converged costs nothing more: its kernels leave it alone.
  using iteration = await trace(backend, () => {
    assignAll(state);
    const params = { rows: runs, n: total };
    callKernel(argExtreme, params, [nearest, farthestRow, farthestDistance], { MODE: 1 });
    gatherInto(points, farthestRow, farthest);
    for (const { first, rows } of points.chunks) {
      const sum = { n: rows.shape[0], first, total, d, k, runs, block: SUM_BLOCK };
      callKernel(kmeansSum, sum, [rows, labels, state, sums]);
    }
    const update = [sums, farthest, farthestDistance, centroids, state, limit];
    callKernel(kmeansUpdate, { runs, blocks, k, d }, update);
    return {};
  }, "k-means iteration");

  let progress: ArrayLike<number> = [];
  const all = (test: (run: number) => boolean) =>
    Array.from({ length: runs }, (_, r) => r).every(test);
  for (let done = 0; done < maxIterations; done += ITERATIONS_PER_READ) {
    iteration.run(Math.min(ITERATIONS_PER_READ, maxIterations - done));
    progress = await state.read();
    if (all((r) => progress[4 * r + 1] === 1)) break;
    signal?.throwIfAborted();
  }

  using finish = await trace(backend, () => {
    assignAll(allRunning);
    const sumBlocks = Math.ceil(total / SUM_BLOCK);
    const partial = scratch("partial inertias", [runs, sumBlocks]);
    const inertia = scratch("inertias", [runs]);
    callKernel(reduce, { rows: runs, n: total, block: SUM_BLOCK }, [nearest, partial]);
    callKernel(reduce, { rows: runs, n: sumBlocks, block: sumBlocks }, [partial, inertia]);
    return { inertia };
  }, "k-means result");
  finish.run();
  const inertias = [...(await finish.read()).inertia];
  const inertia = Math.min(...inertias);
  if (!Number.isFinite(inertia)) {
    throw new DivergedError(
      `k-means: the squared distances of ${total} points to their centres add up to ${inertia}; ` +
        "lower the learning rate or check the data: values leave float32's range",
    );
  }
  const best = inertias.indexOf(inertia);
  const [bestLabels, bestCentroids] = await backend.read([labels.region, centroids.region]);
  const kept = (bestLabels as Uint32Array).slice(best * total, (best + 1) * total);
  return {
    labels: kept,
    centroids: Float32Array.from(bestCentroids.subarray(best * k * d, (best + 1) * k * d)),
    inertia,
    inertias,
    iterations: progress[4 * best + 2],
    converged: progress[4 * best + 1] === 1,
    emptyClusters: k - new Set(kept).size,
  };
}

/**
 * Labels and squared distances [runs, n] of all points by the centroids [runs, k, d], of the runs
 * that are not done by their state [runs, 4].
 */
function assignRows(
  points: Table,
  centroids: Variable,
  state: Variable,
  labels: Variable,
  distances: Variable,
): void {
  const [runs, k, d] = centroids.shape;
  for (const { first, rows } of points.chunks) {
    const params = { n: rows.shape[0], first, total: points.rows, d, k, runs };
    callKernel(kmeansAssign, params, [rows, centroids, state, labels, distances]);
  }
}

/** Copies rows of the table, by number, into a variable [rows.size, d]. */
function gatherInto(points: Table, rowNumbers: Tensor, into: Variable): void {
  for (const { first, rows } of points.chunks) {
    const params = { n: rowNumbers.size, w: points.width, first, chunkRows: rows.shape[0] };
    callKernel(gatherKernel, params, [rows, rowNumbers, into]);
  }
}

/** Greedy k-means++ for all restarts of a group; leaves the centroids on the device. */
async function seedCentroids(
  backend: Backend,
  points: Table,
  { clusters: k, seed, run }: Settings,
  centroids: Variable,
  first: number,
  trials: number,
): Promise<void> {
  const { rows: total, width: d } = points;
  const runs = centroids.shape[0];
  const stream = STREAM.kmeans + 0x1000 * (1 + run);
  using memory = new State(backend);
  const scratch = (name: string, shape: number[], dtype: "f32" | "u32" = "f32") =>
    memory.variable(`k-means++ ${name}`, shape, { dtype, saved: false });

  const blocks = Math.ceil(total / SEED_BLOCK);
  const partials = scratch("partials", [runs * trials, blocks]);
  const distances = scratch("distances", [2, runs, trials, total]);
  const round = scratch("round", [1], "u32");
  const best = scratch("best", [runs], "u32");
  const candidateRows = scratch("candidate rows", [runs, trials], "u32");
  const candidates = scratch("candidates", [runs, trials, d]);
  const chosen = scratch("chosen", [runs, k], "u32");

  // The first centre is uniform: all trials of a restart start from the same row.
  const random = new RandomStream(seed, stream, 0xffff);
  const starts = Array.from({ length: first + runs }, () => random.below(total)).slice(first);
  candidateRows.write(
    Uint32Array.from({ length: runs * trials }, (_, i) => starts[Math.floor(i / trials)]),
  );

  using rounds = await trace(backend, () => {
    gatherInto(points, candidateRows, candidates);
    for (const { first, rows } of points.chunks) {
      const params = { n: rows.shape[0], first, total, d, runs, trials };
      const state = [round, best, distances, partials];
      callKernel(kmeansSeedDistance, params, [rows, candidates, ...state]);
    }
    // Restarts of another group draw other numbers: the group's first restart enters the key.
    const params = { total, blocks, runs, trials, k, seed, stream: stream + first };
    const state = [round, best, candidateRows, chosen];
    callKernel(kmeansSeedChoose, params, [distances, partials, ...state]);
    advance(round);
    return {};
  }, "k-means++ round");
  rounds.run(k);
  using end = await trace(backend, () => {
    gatherInto(points, chosen, flat(centroids, [runs * k, d]));
    return {};
  }, "k-means++ centroids");
  end.run();
  await backend.read([best.region]);
}

function flat(variable: Variable, shape: number[]): Variable {
  return new Variable(variable.backend, variable.name, shape, variable.region);
}

/**
 * For each centroid, the number of the nearest row (ties to the lowest).
 * @param centroids [K, d], on the table's device. @returns u32 [K].
 */
export async function nearestRows(
  backend: Backend,
  points: Table,
  centroids: Variable,
): Promise<Uint32Array> {
  const { rows: total, width: d } = points;
  const k = centroids.shape[0];
  using memory = new State(backend);
  const distances = memory.variable("distances", [k, total], { saved: false });
  const index = memory.variable("nearest rows", [k], { dtype: "u32", saved: false });
  const value = memory.variable("nearest distances", [k], { saved: false });
  using program = await trace(backend, () => {
    for (const { first, rows } of points.chunks) {
      const params = { n: rows.shape[0], first, total, d, k };
      callKernel(distancesKernel, params, [rows, centroids, distances]);
    }
    callKernel(argExtreme, { rows: k, n: total }, [distances, index, value], { MODE: 0 });
    return {};
  }, "nearest rows");
  program.run();
  return await index.read() as Uint32Array;
}

/**
 * For each row, the number of the nearest centroid (ties to the lowest).
 * @param centroids [K, d], on the table's device. @returns u32 [n].
 */
export async function nearestCentroids(
  backend: Backend,
  points: Table,
  centroids: Variable,
): Promise<Uint32Array> {
  const { rows: total, width: d } = points;
  const k = centroids.shape[0];
  using memory = new State(backend);
  const labels = memory.variable("labels", [1, total], { dtype: "u32", saved: false });
  const distances = memory.variable("distances", [1, total], { saved: false });
  const state = memory.variable("state", [1, 4], { saved: false });
  using program = await trace(backend, () => {
    assignRows(points, flat(centroids, [1, k, d]), state, labels, distances);
    return {};
  }, "nearest centroids");
  program.run();
  return await labels.read() as Uint32Array;
}

/** Means and variances of the columns: data [n, columns] row-major. */
export function momentsOf(
  data: ArrayLike<number>,
  columns: number,
): { means: Float64Array; variances: Float64Array } {
  const n = data.length / columns;
  const means = new Float64Array(columns);
  const variances = new Float64Array(columns);
  for (let row = 0; row < data.length; row += columns) {
    for (let j = 0; j < columns; j++) means[j] += data[row + j] / n;
  }
  for (let row = 0; row < data.length; row += columns) {
    for (let j = 0; j < columns; j++) variances[j] += (data[row + j] - means[j]) ** 2 / n;
  }
  return { means, variances };
}

/** The mean over columns of their variance: data [n, columns] row-major. */
export function meanVarianceOf(data: ArrayLike<number>, columns: number): number {
  const { variances } = momentsOf(data, columns);
  return variances.reduce((a, b) => a + b, 0) / columns;
}
