/** The squared error of two tensors, and its gradient from the same pass. */
import { meanSquaredError as kernel } from "../../kernels/mean_squared_error.ts";
import { reduce } from "../../kernels/reduce.ts";
import type { Emitter, Op } from "../op.ts";
import { apply, expectShape, f32, type Tensor } from "../tensor.ts";
import { broadcastTo } from "./broadcast.ts";
import { constantValue } from "./constant.ts";
import { mul } from "./binary.ts";
import { negate, scale } from "./unary.ts";

/** Elements of one partial sum. */
const BLOCK = 1024;

/** Partial sums that the error of `p` is made of. */
export function squaredErrorBlocks(p: Tensor): number {
  return Math.ceil(p.size / BLOCK);
}

interface Scale {
  /** The gradient is scale·(p − t). */
  readonly scale: number;
}

function emitCalls(
  emit: Emitter,
  p: Tensor,
  t: Tensor,
  total: Tensor | undefined,
  gradient: Tensor | undefined,
  factor: number,
): void {
  const blocks = squaredErrorBlocks(p);
  // One sum, or one a block where fusion leaves the last addition to whoever reads it.
  const whole = total?.shape.length === 0;
  const partial = total && !(whole && blocks > 1) ? total : emit.scratch([blocks]);
  const params = { n: p.size, block: BLOCK, scale: factor };
  const constants = { GRADIENT: gradient ? 1 : 0 };
  emit.call(kernel, constants, params, [p, t, gradient ?? emit.scratch([1]), partial]);
  if (whole && blocks > 1) {
    emit.call(reduce, { OP: 0 }, { rows: 1, n: blocks, block: blocks }, [partial, total]);
  }
}

/** Σ (p − t)² over all elements. */
export const squaredErrorOp: Op<Record<never, never>> = {
  name: "squaredError",
  infer([p, t]) {
    expectShape("squaredError", "target", t, p.shape);
    return [f32([])];
  },
  lower: ({ inputs: [p, t], outputs: [y] }, emit) => emitCalls(emit, p, t, y, undefined, 0),
  gradient({ inputs: [p, t] }, [g], needed) {
    const dp = difference(p, t, g!);
    return [needed[0] ? dp : undefined, needed[1] ? negate(dp) : undefined];
  },
  examples: [
    { name: "matrix", inputs: [{ shape: [3, 4] }, { shape: [3, 4] }], attributes: {} },
    { name: "two passes", inputs: [{ shape: [1100] }, { shape: [1100] }], attributes: {} },
  ],
};

/** scale·(p − t). */
export const squaredErrorGradientOp: Op<Scale> = {
  name: "squaredErrorGradient",
  infer: ([p]) => [f32(p.shape)],
  lower: ({ inputs: [p, t], outputs: [g], attributes }, emit) =>
    emitCalls(emit, p, t, undefined, g, attributes.scale),
  gradient: ({ attributes }, [g]) => [scale(g!, attributes.scale), scale(g!, -attributes.scale)],
  examples: [
    { name: "matrix", inputs: [{ shape: [3, 4] }, { shape: [3, 4] }], attributes: { scale: 0.7 } },
  ],
};

/** Both in one pass; what the plan's fusion makes of the two ops above. */
export const squaredErrorWithGradientOp: Op<Scale> = {
  name: "squaredErrorWithGradient",
  infer: ([p]) => [f32([]), f32(p.shape)],
  lower: ({ inputs: [p, t], outputs: [y, g], attributes }, emit) =>
    emitCalls(emit, p, t, y, g, attributes.scale),
  gradient: { none: "it is made by fusion, after differentiation" },
  examples: [],
};

/** 2·g·(p − t) for a scalar g. */
function difference(p: Tensor, t: Tensor, g: Tensor): Tensor {
  const value = constantValue(g);
  if (value !== undefined) return apply(squaredErrorGradientOp, [p, t], { scale: 2 * value })[0];
  return mul(apply(squaredErrorGradientOp, [p, t], { scale: 2 })[0], broadcastTo(g, p.shape));
}

/**
 * Σ (p − t)² over all elements, a scalar.
 * @throws {RangeError} naming both shapes where they differ.
 */
export function squaredError(prediction: Tensor, target: Tensor): Tensor {
  return apply(squaredErrorOp, [prediction, target], {})[0];
}

/**
 * The mean of (p − t)² over all elements, batch and features alike ("mean-MSE").
 * @throws {RangeError} naming both shapes where they differ.
 */
export function meanSquaredError(prediction: Tensor, target: Tensor): Tensor {
  return scale(squaredError(prediction, target), 1 / prediction.size);
}
