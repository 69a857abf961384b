/** The kernels that the CPU backend runs as WebAssembly; all others run as their references. */
import { adam } from "./adam.ts";
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
import { fuzzyWeights } from "./fuzzy_weights.ts";
import type { WasmKernel } from "./kernel.ts";
import { kmeansAssign } from "./kmeans_assign.ts";
import { kmeansSeedDistance } from "./kmeans_seed_distance.ts";
import { kmeansSum } from "./kmeans_sum.ts";
import { layoutEpoch } from "./layout_epoch.ts";
import { meanSquaredError } from "./mean_squared_error.ts";
import { nearestNeighbours } from "./nearest_neighbours.ts";
import { fold, unfold } from "./patches.ts";
import { randomUniform } from "./random_uniform.ts";
import { reduce } from "./reduce.ts";
import { sgd } from "./sgd.ts";
import { softAssign } from "./soft_assign.ts";
import { unary } from "./unary.ts";
import { weightedScatter } from "./weighted_scatter.ts";

/** WebAssembly implementations by kernel name. */
export const WASM_KERNELS: Readonly<Record<string, WasmKernel | undefined>> = {
  adam,
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
  fold,
  fuzzy_weights: fuzzyWeights,
  kmeans_assign: kmeansAssign,
  kmeans_seed_distance: kmeansSeedDistance,
  kmeans_sum: kmeansSum,
  layout_epoch: layoutEpoch,
  mean_squared_error: meanSquaredError,
  nearest_neighbours: nearestNeighbours,
  random_uniform: randomUniform,
  reduce,
  sgd,
  soft_assign: softAssign,
  unary,
  unfold,
  weighted_scatter: weightedScatter,
};
