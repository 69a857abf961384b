/** Sums over axes, two-pass and in a fixed order, and repetition along axes: each the other's adjoint. */
import { columnSum } from "../../kernels/column_sum.ts";
import { reduce } from "../../kernels/reduce.ts";
import { apply, f32, isOf } from "../tensor/op.ts";
import { axisRange, broadcastShapes, formatShape, sameShape, type Shape } from "../tensor/shape.ts";
import type { Emitter, Tensor } from "../tensor/tensor.ts";
import { affineParts, scale } from "./affine.ts";
import { constant, constantValue } from "./constant.ts";
import { emitBinary } from "./elementwise.ts";
import type { RegisteredOp } from "./registered.ts";
import { reshape, reshapeOp } from "./reshape.ts";

/** Elements that one partial sum covers; longer reductions take a second pass over the partials. */
const BLOCK = 1024;

/** The axes that are summed over. */
export interface Attributes {
  readonly from: number;
  readonly to: number;
}

/** y = Σ x over the axes `from` ≤ axis < `to`. */
export const sumOp: RegisteredOp<Attributes> = {
  name: "sum",
  memory: "value",
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
  rowInputs: ({ attributes: { from } }) => (from > 0 ? [0] : undefined),
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
    emit.call(reduce, {}, { rows, n, block: Math.max(n, 1) }, [x, y]);
    return;
  }
  const partial = emit.scratch([rows, blocks]);
  emit.call(reduce, {}, { rows, n, block: BLOCK }, [x, partial]);
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

/** y = x·factor over the axes of `shape`; the factor is the second input, a constant scalar. */
export const broadcastOp: RegisteredOp<{ shape: Shape }> = {
  name: "broadcast",
  memory: "value",
  infer([x], { shape }) {
    if (!sameShape(broadcastShapes(x.shape, shape, "broadcast"), shape) || shape.length > 4) {
      throw new RangeError(
        `broadcast: ${formatShape(x.shape)} cannot be repeated to ${formatShape(shape)}`,
      );
    }
    return [f32(shape)];
  },
  lower: ({ inputs: [x, factor], outputs: [y] }, emit) => emitBinary(emit, "mul", [x, factor, y]),
  gradient({ inputs: [x, factor] }, [g]) {
    const [total, value] = [sumTo(g!, x.shape), constantValue(factor)];
    if (value !== undefined) return [scale(total, value), undefined];
    return [apply(broadcastOp, [total, factor], { shape: x.shape })[0], undefined];
  },
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

/** `x` repeated to `shape`, by the broadcasting rules; a factor of `x` is folded into it. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const parts = scaleParts(x) ?? { x, factor: 1 };
  return apply(broadcastOp, [parts.x, constant(parts.factor)], { shape })[0];
}

/** Of a tensor made as factor·x, reshaped or not: its parts; else undefined. */
function scaleParts(y: Tensor): { x: Tensor; factor: number } | undefined {
  const { node } = y;
  if (isOf(node, reshapeOp)) {
    const parts = scaleParts(node.inputs[0]);
    return parts && { ...parts, x: reshape(parts.x, y.shape) };
  }
  const parts = affineParts(y);
  return parts?.b === 0 ? { x: parts.x, factor: parts.a } : undefined;
}

/** The value of a tensor whose elements are all one constant and that does not widen `shape`. */
export function uniformValue(tensor: Tensor, shape: Shape): number | undefined {
  const value = constantValue(tensor);
  if (value !== undefined) return value;
  const { node } = tensor;
  if (!isOf(node, broadcastOp) || !sameShape(tensor.shape, shape)) return undefined;
  const [x, factor] = node.inputs.map(constantValue);
  return x === undefined || factor === undefined ? undefined : x * factor;
}
