/** Sums over axes, two-pass and in a fixed order. */
import { columnSum } from "../../kernels/column_sum.ts";
import { reduce } from "../../kernels/reduce.ts";
import type { Emitter, Op } from "../op.ts";
import { axisRange, sameShape, type Shape } from "../shape.ts";
import { apply, f32, type Tensor } from "../tensor.ts";
import { broadcastTo } from "./broadcast.ts";
import { reshape } from "./reshape.ts";
import { scale } from "./unary.ts";

/** Elements that one partial sum covers; longer reductions take a second pass over the partials. */
const BLOCK = 1024;

interface Attributes {
  readonly from: number;
  readonly to: number;
}

/** y = Σ x over the axes `from` ≤ axis < `to`. */
export const sumOp: Op<Attributes> = {
  name: "sum",
  infer: ([x], { from, to }) => [f32(axisRange(x.shape, from, to).rest)],
  lower({ inputs: [x], outputs: [y], attributes: { from, to } }, emit) {
    const { outer, n, inner } = axisRange(x.shape, from, to);
    if (inner === 1) sumRows(emit, x, y, outer, n);
    else sumColumns(emit, x, y, outer, n, inner);
  },
  gradient({ inputs: [x], attributes: { from, to } }, [g]) {
    const kept = x.shape.map((size, axis) => (axis >= from && axis < to ? 1 : size));
    const widened = g!.shape.length === 0 ? g! : reshape(g!, kept);
    return [broadcastTo(widened, x.shape)];
  },
  examples: [
    { name: "all", inputs: [{ shape: [3, 4] }], attributes: { from: 0, to: 2 } },
    { name: "rows", inputs: [{ shape: [3, 4] }], attributes: { from: 1, to: 2 } },
    { name: "columns", inputs: [{ shape: [3, 4] }], attributes: { from: 0, to: 1 } },
    { name: "middle", inputs: [{ shape: [2, 3, 4] }], attributes: { from: 1, to: 2 } },
    { name: "two passes", inputs: [{ shape: [1030] }], attributes: { from: 0, to: 1 } },
  ],
};

/** [rows, n] -> [rows]. */
function sumRows(emit: Emitter, x: Tensor, y: Tensor, rows: number, n: number): void {
  const blocks = Math.ceil(n / BLOCK);
  if (blocks <= 1) {
    emit.call(reduce, { OP: 0 }, { rows, n, block: Math.max(n, 1) }, [x, y]);
    return;
  }
  const partial = emit.scratch([rows, blocks]);
  emit.call(reduce, { OP: 0 }, { rows, n, block: BLOCK }, [x, partial]);
  sumRows(emit, partial, y, rows, blocks);
}

/** [outer, n, inner] -> [outer, inner]. */
function sumColumns(
  emit: Emitter,
  x: Tensor,
  y: Tensor,
  outer: number,
  n: number,
  inner: number,
): void {
  const blocks = Math.ceil(n / BLOCK);
  if (blocks <= 1) {
    emit.call(columnSum, {}, { outer, n, inner, block: Math.max(n, 1) }, [x, y]);
    return;
  }
  const partial = emit.scratch([outer, blocks, inner]);
  emit.call(columnSum, {}, { outer, n, inner, block: BLOCK }, [x, partial]);
  sumColumns(emit, partial, y, outer, blocks, inner);
}

/**
 * The sum over the axes `from` ≤ axis < `to` (all axes by default), which are removed.
 * @throws {RangeError} where the range is not within the shape.
 */
export function sum(x: Tensor, from = 0, to: number = x.shape.length): Tensor {
  return from === to ? x : apply(sumOp, [x], { from, to })[0];
}

/** The mean over the axes `from` ≤ axis < `to` (all axes by default), which are removed. */
export function mean(x: Tensor, from = 0, to: number = x.shape.length): Tensor {
  const total = sum(x, from, to);
  return scale(total, total.size / x.size);
}

/** Sums `x` down to `shape`, from which it was broadcast. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const lead = x.shape.length - shape.length;
  let result = sum(x, 0, lead);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] === 1 && result.shape[axis] !== 1) result = sum(result, axis, axis + 1);
    else continue;
    result = reshape(result, [...result.shape.slice(0, axis), 1, ...result.shape.slice(axis)]);
  }
  return reshape(result, shape);
}
