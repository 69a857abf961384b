/** The squared error of two tensors, and its gradient from the same pass. */
import { meanSquaredError as kernel } from "../../kernels/mean_squared_error.ts";
import { reduce } from "../../kernels/reduce.ts";
import { apply, expectShape, f32, type None } from "../tensor/op.ts";
import type { Emitter, Tensor } from "../tensor/tensor.ts";
import { negate, scale } from "./affine.ts";
import { mul } from "./binary.ts";
import { constantValue } from "./constant.ts";
import type { RegisteredOp } from "./registered.ts";
import { broadcastTo } from "./sum.ts";

/** Elements of one partial sum. */
const BLOCK = 1024;

/** Partial sums that the error of `p` is made of. */
export function squaredErrorBlocks(p: Tensor): number {
  return Math.ceil(p.size / BLOCK);
}

/** What the sum is multiplied by. */
export interface Scale {
  /** The gradient is scale·(p − t). */
  readonly scale: number;
}

/** What one pass over p and t makes. */
interface Results {
  /** Σ (p − t)² as a scalar, or as its partial sums for whoever adds them. */
  readonly error?: Tensor;
  /** scale·(p − t). */
  readonly gradient?: Tensor;
}

function emitCalls(
  emit: Emitter,
  [p, t]: readonly Tensor[],
  { error, gradient }: Results,
  scale = 0,
): void {
  const blocks = squaredErrorBlocks(p);
  const whole = error?.shape.length === 0;
  const partial = error && !(whole && blocks > 1) ? error : emit.scratch([blocks]);
  const params = { n: p.size, block: BLOCK, scale };
  const constants = { GRADIENT: gradient ? 1 : 0 };
  emit.call(kernel, constants, params, [p, t, gradient ?? emit.scratch([1]), partial]);
  if (error && whole && blocks > 1) {
    emit.call(reduce, {}, { rows: 1, n: blocks, block: blocks }, [partial, error]);
  }
}

/** Σ (p − t)² over all elements. */
export const squaredErrorOp: RegisteredOp<None> = {
  name: "squaredError",
  memory: "value",
  infer([p, t]) {
    expectShape("squaredError", "target", t, p.shape);
    return [f32([])];
  },
  lower: ({ inputs, outputs: [error] }, emit) => emitCalls(emit, inputs, { error }),
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
export const squaredErrorGradientOp: RegisteredOp<Scale> = {
  name: "squaredErrorGradient",
  memory: "value",
  infer([p, t]) {
    expectShape("squaredErrorGradient", "target", t, p.shape);
    return [f32(p.shape)];
  },
  lower: ({ inputs, outputs: [gradient], attributes }, emit) =>
    emitCalls(emit, inputs, { gradient }, attributes.scale),
  gradient: ({ attributes }, [g]) => [scale(g!, attributes.scale), scale(g!, -attributes.scale)],
  examples: [
    { name: "matrix", inputs: [{ shape: [3, 4] }, { shape: [3, 4] }], attributes: { scale: 0.7 } },
  ],
};

/** What fusion makes of the error: its partial sums, its gradient beside it, or both. */
function fusedOp<A extends Partial<Scale>>(
  name: "squaredErrorParts" | "squaredErrorWithGradient" | "squaredErrorPartsWithGradient",
): RegisteredOp<A> {
  const isWhole = name === "squaredErrorWithGradient";
  const hasGradient = name !== "squaredErrorParts";
  return {
    name,
    memory: "value",
    infer([p, t]) {
      expectShape(name, "target", t, p.shape);
      const error = f32(isWhole ? [] : [squaredErrorBlocks(p)]);
      return hasGradient ? [error, f32(p.shape)] : [error];
    },
    lower: ({ inputs, outputs: [error, gradient], attributes }, emit) =>
      emitCalls(emit, inputs, { error, gradient }, attributes.scale),
    gradient: { none: "fusion makes it, after differentiation" },
    examples: [],
  };
}

/** The error and its gradient in one pass. */
export const squaredErrorWithGradientOp: RegisteredOp<Scale> = fusedOp("squaredErrorWithGradient");

/** The error's partial sums, for an accumulation that adds them. */
export const squaredErrorPartsOp: RegisteredOp<None> = fusedOp("squaredErrorParts");

/** The error's partial sums and its gradient in one pass. */
export const squaredErrorPartsWithGradientOp: RegisteredOp<Scale> = fusedOp(
  "squaredErrorPartsWithGradient",
);

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
