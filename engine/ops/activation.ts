/** Activations and element-wise losses of logits. */
import { apply, type Tensor } from "../tensor.ts";
import { binaryOp, greater, mul } from "./binary.ts";
import { constant } from "./constant.ts";
import { stopGradient } from "./reshape.ts";
import { affine, unaryOp } from "./unary.ts";

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

/** log(1 + eˣ) = max(x, 0) + log(1 + e^−|x|): no overflow, and no digits lost where x ≪ 0. */
export function softplus(x: Tensor): Tensor {
  return apply(unaryOp, [x], { kind: "softplus", a: 1, b: 0 })[0];
}

/**
 * The cross-entropy in nats of Bernoulli variables with logits l and means t, element by element:
 * −t·log σ(l) − (1 − t)·log(1 − σ(l)) = max(l, 0) − l·t + log(1 + e^−|l|).
 * @param logits Any shape. @param target In [0, 1], broadcast with the logits.
 * @throws {RangeError} naming both shapes where they do not fit.
 */
export function binaryCrossEntropyWithLogits(logits: Tensor, target: Tensor): Tensor {
  return apply(binaryOp, [logits, target], { kind: "binaryCrossEntropyWithLogits" })[0];
}
