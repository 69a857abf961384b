/** How the element-wise kernels are called. */
import { BINARY, binary } from "../../kernels/binary.ts";
import { UNARY, unary } from "../../kernels/unary.ts";
import { broadcastStrides } from "../tensor/shape.ts";
import type { Emitter, Tensor } from "../tensor/tensor.ts";

/** y = f(x); `affine` is a·x + b. */
export function emitUnary(
  emit: Emitter,
  kind: keyof typeof UNARY,
  x: Tensor,
  y: Tensor,
  { a, b } = { a: 1, b: 0 },
): void {
  emit.call(unary, { OP: UNARY[kind] }, { n: x.size, a, b }, [x, y]);
}

/** y = f(a, b), each broadcast to y's shape of at most four axes. */
export function emitBinary(
  emit: Emitter,
  kind: keyof typeof BINARY,
  [a, b, y]: readonly [Tensor, Tensor, Tensor],
): void {
  const [s0, s1, s2, s3] = four(y.shape, 1);
  const [a0, a1, a2, a3] = four(broadcastStrides(a.shape, y.shape), 0);
  const [b0, b1, b2, b3] = four(broadcastStrides(b.shape, y.shape), 0);
  const params = { n: y.size, s0, s1, s2, s3, a0, a1, a2, a3, b0, b1, b2, b3 };
  emit.call(binary, { OP: BINARY[kind] }, params, [a, b, y]);
}

/** The numbers of at most four axes, led by `fill`. */
function four(numbers: readonly number[], fill: number): number[] {
  return [...Array<number>(4 - numbers.length).fill(fill), ...numbers];
}
