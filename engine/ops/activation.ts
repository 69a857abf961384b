/** Activations and element-wise losses of logits. */
import { apply, type None } from "../tensor/op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { affine, negate } from "./affine.ts";
import { broadcastingOp, greater, mul, sub } from "./binary.ts";
import { constant } from "./constant.ts";
import type { RegisteredOp } from "./registered.ts";
import { stopGradient } from "./reshape.ts";
import { sigmoid } from "./unary.ts";

/** The function of logits and targets that {@linkcode binaryCrossEntropyWithLogits} applies. */
export const binaryCrossEntropyWithLogitsOp: RegisteredOp<None> = broadcastingOp(
  "binaryCrossEntropyWithLogits",
  (logits, target, g, needed) => [
    needed[0] ? mul(g, sub(sigmoid(logits), target)) : undefined,
    needed[1] ? negate(mul(g, logits)) : undefined,
  ],
);

/**
 * x where x > 0, else slope·x; its gradient at 0 is the slope.
 * @throws {RangeError} where the slope is no finite number.
 */
export function leakyRelu(x: Tensor, slope: number): Tensor {
  if (!Number.isFinite(slope)) {
    throw new RangeError(`leakyRelu: the slope must be a finite number, got ${slope}`);
  }
  return mul(x, stopGradient(affine(greater(x, constant(0)), 1 - slope, slope)));
}

/**
 * The cross-entropy in nats of Bernoulli variables with logits l and means t, element by element:
 * −t·log σ(l) − (1 − t)·log(1 − σ(l)) = max(l, 0) − l·t + log(1 + e^−|l|).
 * @param logits Any shape. @param target In [0, 1], broadcast with the logits.
 * @throws {RangeError} naming both shapes where they do not fit.
 */
export function binaryCrossEntropyWithLogits(logits: Tensor, target: Tensor): Tensor {
  return apply(binaryCrossEntropyWithLogitsOp, [logits, target], {})[0];
}
