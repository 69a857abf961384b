/** All ops, by name: what the gradient audit and the property tests go through. */
import type { Op } from "../tensor/tensor.ts";
import { binaryCrossEntropyWithLogitsOp } from "./activation.ts";
import { affineOp } from "./affine.ts";
import { confidenceOp, selectTargetOp, softAssignOp } from "./assignment.ts";
import { augmentOp } from "./augment.ts";
import { BINARY_OPS } from "./binary.ts";
import { assignOp, callKernelOp } from "./call.ts";
import { constantOp } from "./constant.ts";
import { accumulateAndAdvanceOp, accumulateOp, advanceOp } from "./counter.ts";
import {
  denseInputGradientOp,
  denseOp,
  denseReluOp,
  denseWeightGradientOp,
  maskedInputGradientOp,
  weightAndBiasGradientOp,
} from "./dense.ts";
import { distancesGradientOp, squaredDistancesOp } from "./distances.ts";
import { interpolateGradientOp, interpolateOp, interpolateReversedOp } from "./interpolate.ts";
import { adamOp, sgdOp } from "./optimize.ts";
import { orthonormalizeGradientOp, orthonormalizeOp } from "./orthonormalize.ts";
import { packOp, stackOp, unstackOp } from "./pack.ts";
import { foldOp, unfoldOp } from "./patches.ts";
import { batchRowsOp, randomUniformOp } from "./random.ts";
import { reshapeOp, stopGradientOp } from "./reshape.ts";
import { gatherOp, scatterRowsOp } from "./rows.ts";
import { SOFTMAX_OPS } from "./softmax.ts";
import {
  squaredErrorGradientOp,
  squaredErrorOp,
  squaredErrorPartsOp,
  squaredErrorPartsWithGradientOp,
  squaredErrorWithGradientOp,
} from "./squared_error.ts";
import { broadcastOp, sumOp } from "./sum.ts";
import { UNARY_OPS } from "./unary.ts";

const TABLE = {
  ...UNARY_OPS,
  ...BINARY_OPS,
  ...SOFTMAX_OPS,
  accumulate: accumulateOp,
  accumulateAndAdvance: accumulateAndAdvanceOp,
  adam: adamOp,
  advance: advanceOp,
  affine: affineOp,
  assign: assignOp,
  augment: augmentOp,
  batchRows: batchRowsOp,
  binaryCrossEntropyWithLogits: binaryCrossEntropyWithLogitsOp,
  broadcast: broadcastOp,
  callKernel: callKernelOp,
  confidence: confidenceOp,
  constant: constantOp,
  dense: denseOp,
  denseInputGradient: denseInputGradientOp,
  denseRelu: denseReluOp,
  denseWeightGradient: denseWeightGradientOp,
  distancesGradient: distancesGradientOp,
  fold: foldOp,
  gather: gatherOp,
  interpolate: interpolateOp,
  interpolateGradient: interpolateGradientOp,
  interpolateReversed: interpolateReversedOp,
  maskedInputGradient: maskedInputGradientOp,
  orthonormalize: orthonormalizeOp,
  orthonormalizeGradient: orthonormalizeGradientOp,
  pack: packOp,
  randomUniform: randomUniformOp,
  reshape: reshapeOp,
  scatterRows: scatterRowsOp,
  selectTarget: selectTargetOp,
  sgd: sgdOp,
  softAssign: softAssignOp,
  squaredDistances: squaredDistancesOp,
  squaredError: squaredErrorOp,
  squaredErrorGradient: squaredErrorGradientOp,
  squaredErrorParts: squaredErrorPartsOp,
  squaredErrorPartsWithGradient: squaredErrorPartsWithGradientOp,
  squaredErrorWithGradient: squaredErrorWithGradientOp,
  stack: stackOp,
  stopGradient: stopGradientOp,
  sum: sumOp,
  unfold: unfoldOp,
  unstack: unstackOp,
  weightAndBiasGradient: weightAndBiasGradientOp,
};

/** Names of all ops. */
export type OpName = keyof typeof TABLE;

/** Every op, whatever its attributes. */
export const OPS: readonly Op[] = Object.values(TABLE);
