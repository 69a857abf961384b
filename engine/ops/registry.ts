/** All ops: what `audit gradients` goes through. */
import type { Op } from "../op.ts";
import { confidenceOp, selectTargetOp, softAssignOp } from "./assignment.ts";
import { augmentOp } from "./augment.ts";
import { binaryOp } from "./binary.ts";
import { broadcastOp } from "./broadcast.ts";
import { constantOp } from "./constant.ts";
import { accumulateAndAdvanceOp, accumulateOp, advanceOp } from "./counter.ts";
import { denseInputGradientOp, denseOp, denseWeightGradientOp } from "./dense.ts";
import { distancesGradientOp, squaredDistancesOp } from "./distances.ts";
import { interpolateGradientOp, interpolateOp, interpolateReversedOp } from "./interpolate.ts";
import { adamOp, packOp, sgdOp } from "./optimize.ts";
import { foldOp, unfoldOp } from "./patches.ts";
import { orthonormalizeGradientOp, orthonormalizeOp } from "./orthonormalize.ts";
import { batchRowsOp, randomUniformOp } from "./random.ts";
import { reshapeOp, stopGradientOp } from "./reshape.ts";
import { gatherOp, scatterRowsOp } from "./rows.ts";
import { rowMaxOp, softmaxOp } from "./softmax.ts";
import {
  squaredErrorGradientOp,
  squaredErrorOp,
  squaredErrorWithGradientOp,
} from "./squared_error.ts";
import { sumOp } from "./sum.ts";
import { unaryOp } from "./unary.ts";

/** Every op, whatever its attributes. */
// deno-lint-ignore no-explicit-any
export const OPS: readonly Op<any>[] = [
  accumulateAndAdvanceOp,
  accumulateOp,
  adamOp,
  advanceOp,
  augmentOp,
  batchRowsOp,
  binaryOp,
  broadcastOp,
  confidenceOp,
  constantOp,
  denseInputGradientOp,
  denseOp,
  denseWeightGradientOp,
  distancesGradientOp,
  foldOp,
  gatherOp,
  interpolateGradientOp,
  interpolateOp,
  interpolateReversedOp,
  orthonormalizeGradientOp,
  orthonormalizeOp,
  packOp,
  randomUniformOp,
  reshapeOp,
  rowMaxOp,
  scatterRowsOp,
  selectTargetOp,
  sgdOp,
  softAssignOp,
  softmaxOp,
  squaredDistancesOp,
  squaredErrorGradientOp,
  squaredErrorOp,
  squaredErrorWithGradientOp,
  stopGradientOp,
  sumOp,
  unaryOp,
  unfoldOp,
];
