/** All kernels, by name: what the CPU workers find them by, and what the audit runs. */
import { accumulate } from "./accumulate.ts";
import { adam } from "./adam.ts";
import { advance } from "./advance.ts";
import { argExtreme } from "./arg_extreme.ts";
import { augment } from "./augment.ts";
import { batchRows } from "./batch_rows.ts";
import { binary } from "./binary.ts";
import { columnSum } from "./column_sum.ts";
import { confidence } from "./confidence.ts";
import { dense } from "./dense.ts";
import { denseInputGradient } from "./dense_input_gradient.ts";
import { denseWeightGradient } from "./dense_weight_gradient.ts";
import { distances } from "./distances.ts";
import { distancesGradient } from "./distances_gradient.ts";
import { fold } from "./fold.ts";
import { fuzzyWeights } from "./fuzzy_weights.ts";
import { gather } from "./gather.ts";
import { interpolate } from "./interpolate.ts";
import { interpolateGradient } from "./interpolate_gradient.ts";
import { kmeansAssign } from "./kmeans_assign.ts";
import { kmeansSeedChoose } from "./kmeans_seed_choose.ts";
import { kmeansSeedDistance } from "./kmeans_seed_distance.ts";
import { kmeansSum } from "./kmeans_sum.ts";
import { kmeansUpdate } from "./kmeans_update.ts";
import { layoutEpoch } from "./layout_epoch.ts";
import { meanSquaredError } from "./mean_squared_error.ts";
import { nearestNeighbours } from "./nearest_neighbours.ts";
import { orthonormalize } from "./orthonormalize.ts";
import { orthonormalizeGradient } from "./orthonormalize_gradient.ts";
import { randomUniform } from "./random_uniform.ts";
import { reduce } from "./reduce.ts";
import { runningMeans } from "./running_means.ts";
import { scatterRows } from "./scatter_rows.ts";
import { selectTarget } from "./select_target.ts";
import { sgd } from "./sgd.ts";
import { softAssign } from "./soft_assign.ts";
import { softmax } from "./softmax.ts";
import { unary } from "./unary.ts";
import { unfold } from "./unfold.ts";
import { weightedScatter } from "./weighted_scatter.ts";
import type { Kernel } from "./kernel.ts";

const TABLE = {
  accumulate,
  adam,
  advance,
  arg_extreme: argExtreme,
  augment,
  batch_rows: batchRows,
  binary,
  column_sum: columnSum,
  confidence,
  dense,
  dense_input_gradient: denseInputGradient,
  dense_weight_gradient: denseWeightGradient,
  distances,
  distances_gradient: distancesGradient,
  fold,
  fuzzy_weights: fuzzyWeights,
  gather,
  interpolate,
  interpolate_gradient: interpolateGradient,
  kmeans_assign: kmeansAssign,
  kmeans_seed_choose: kmeansSeedChoose,
  kmeans_seed_distance: kmeansSeedDistance,
  kmeans_sum: kmeansSum,
  kmeans_update: kmeansUpdate,
  layout_epoch: layoutEpoch,
  mean_squared_error: meanSquaredError,
  nearest_neighbours: nearestNeighbours,
  orthonormalize,
  orthonormalize_gradient: orthonormalizeGradient,
  random_uniform: randomUniform,
  reduce,
  running_means: runningMeans,
  scatter_rows: scatterRows,
  select_target: selectTarget,
  sgd,
  soft_assign: softAssign,
  softmax,
  unary,
  unfold,
  weighted_scatter: weightedScatter,
};

/** Names of all kernels. */
export type KernelName = keyof typeof TABLE;

/** Kernels by name. */
export const KERNELS: Readonly<Record<string, Kernel>> = TABLE;
