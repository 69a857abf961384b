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
import type { Kernel } from "./kernel.ts";

const LIST: readonly Kernel[] = [
  accumulate,
  adam,
  advance,
  argExtreme,
  augment,
  batchRows,
  binary,
  columnSum,
  confidence,
  dense,
  denseInputGradient,
  denseWeightGradient,
  distances,
  distancesGradient,
  fold,
  gather,
  interpolate,
  interpolateGradient,
  kmeansAssign,
  kmeansSeedChoose,
  kmeansSeedDistance,
  kmeansSum,
  kmeansUpdate,
  layoutEpoch,
  meanSquaredError,
  nearestNeighbours,
  orthonormalize,
  orthonormalizeGradient,
  randomUniform,
  reduce,
  runningMeans,
  scatterRows,
  selectTarget,
  sgd,
  softAssign,
  softmax,
  unary,
  unfold,
];

/** Kernels by name. */
export const KERNELS: Readonly<Record<string, Kernel>> = Object.fromEntries(
  LIST.map((kernel) => [kernel.name, kernel]),
);
