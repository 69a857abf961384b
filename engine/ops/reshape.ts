/** The same memory under another shape, and the same memory without a gradient. */
import { apply, type None } from "../tensor/op.ts";
import { formatShape, sameShape, type Shape, sizeOf } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { RegisteredOp } from "./registered.ts";

/** y = x, row-major, under another shape. */
export const reshapeOp: RegisteredOp<{ shape: Shape }> = {
  name: "reshape",
  memory: "alias",
  infer([x], { shape }) {
    if (sizeOf(shape) !== x.size) {
      throw new RangeError(
        `reshape: ${formatShape(x.shape)} has ${x.size} elements, ` +
          `${formatShape(shape)} has ${sizeOf(shape)}`,
      );
    }
    return [{ shape, dtype: x.dtype }];
  },
  gradient: ({ inputs: [x] }, [g]) => [reshape(g!, x.shape)],
  examples: [{ name: "flatten", inputs: [{ shape: [2, 6] }], attributes: { shape: [3, 4] } }],
};

/** y = x, and ∂y/∂x counts as 0. */
export const stopGradientOp: RegisteredOp<None> = {
  name: "stopGradient",
  memory: "alias",
  infer: ([x]) => [{ shape: x.shape, dtype: x.dtype }],
  gradient: { none: "stopGradient makes its input a constant" },
  examples: [],
};

/** `x` under another shape of as many elements; nothing is moved. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x : apply(reshapeOp, [x], { shape })[0];
}

/** The tensor whose memory `x` is, under whatever shape. */
export function origin(x: Tensor): Tensor {
  const op = x.node?.op;
  return x.node && (op === reshapeOp || op === stopGradientOp) ? origin(x.node.inputs[0]) : x;
}

/** `x` as a constant for {@linkcode gradients}; nothing is moved. */
export function stopGradient(x: Tensor): Tensor {
  return apply(stopGradientOp, [x], {})[0];
}
