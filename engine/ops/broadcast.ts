/** Repeats a tensor along new or single-sized axes: the adjoint of a sum. */
import { BINARY, binary as kernel } from "../../kernels/binary.ts";
import type { Op } from "../op.ts";
import { broadcastShapes, broadcastStrides, formatShape, sameShape, type Shape } from "../shape.ts";
import { apply, f32, type Tensor } from "../tensor.ts";
import { constant, constantValue } from "./constant.ts";
import { mul } from "./binary.ts";
import { reshape, reshapeOp } from "./reshape.ts";
import { sumTo } from "./sum.ts";
import { affineParts } from "./unary.ts";

/** y = x·factor over the axes of `shape`; the factor is the second input, a constant scalar. */
export const broadcastOp: Op<{ shape: Shape }> = {
  name: "broadcast",
  infer([x], { shape }) {
    if (!sameShape(broadcastShapes(x.shape, shape, "broadcast"), shape) || shape.length > 4) {
      throw new RangeError(
        `broadcast: ${formatShape(x.shape)} cannot be repeated to ${formatShape(shape)}`,
      );
    }
    return [f32(shape)];
  },
  lower({ inputs: [x, factor], outputs: [y] }, emit) {
    const four = <T>(
      list: readonly T[],
      fill: T,
    ) => [...Array(4 - list.length).fill(fill), ...list];
    const [s0, s1, s2, s3] = four(y.shape, 1);
    const [a0, a1, a2, a3] = four(broadcastStrides(x.shape, y.shape), 0);
    const strides = { a0, a1, a2, a3, b0: 0, b1: 0, b2: 0, b3: 0 };
    emit.call(kernel, { OP: BINARY.mul }, { n: y.size, s0, s1, s2, s3, ...strides }, [
      x,
      factor,
      y,
    ]);
  },
  gradient: ({ inputs: [x, factor] }, [g]) => [mul(sumTo(g!, x.shape), factor), undefined],
  examples: [
    {
      name: "rows",
      inputs: [{ shape: [4] }, { shape: [], values: [1] }],
      attributes: { shape: [3, 4] },
    },
    {
      name: "columns",
      inputs: [{ shape: [3, 1] }, { shape: [], values: [-0.5] }],
      attributes: { shape: [2, 3, 4] },
    },
  ],
};

/** `x` repeated to `shape`, by the broadcasting rules; a factor of `x` is folded into it. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const parts = scaleParts(x) ?? { x, factor: 1 };
  return apply(broadcastOp, [parts.x, constant(parts.factor)], { shape })[0];
}

/** Of a tensor made as factor·x, reshaped or not: its parts; else undefined. */
function scaleParts(y: Tensor): { x: Tensor; factor: number } | undefined {
  if (y.node?.op.name === reshapeOp.name) {
    const parts = scaleParts(y.node.inputs[0]);
    return parts && { ...parts, x: reshape(parts.x, y.shape) };
  }
  const parts = affineParts(y);
  return parts?.b === 0 ? { x: parts.x, factor: parts.a } : undefined;
}

/** The value of a tensor whose elements are all one constant and that does not widen `shape`. */
export function uniformValue(tensor: Tensor, shape: Shape): number | undefined {
  const value = constantValue(tensor);
  if (value !== undefined) return value;
  if (tensor.node?.op.name !== broadcastOp.name || !sameShape(tensor.shape, shape)) {
    return undefined;
  }
  const [x, factor] = tensor.node.inputs.map(constantValue);
  return x === undefined || factor === undefined ? undefined : x * factor;
}
