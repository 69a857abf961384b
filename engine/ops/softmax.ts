/**
 * Softmax and its relatives over the columns of a matrix, computed relative to each row's maximum.
 *
 * −∞ has weight 0; a row that holds NaN or ∞, or nothing but −∞, gives NaN.
 */
import { REDUCE, reduce } from "../../kernels/reduce.ts";
import { SOFTMAX, softmax as kernel, type SoftmaxName } from "../../kernels/softmax.ts";
import type { Op } from "../op.ts";
import { apply, expectRank, f32, type Tensor } from "../tensor.ts";
import { mul, sub } from "./binary.ts";
import { reshape } from "./reshape.ts";
import { sum } from "./sum.ts";
import { exp } from "./unary.ts";

interface Attributes {
  readonly kind: SoftmaxName;
}

/** ∂L/∂x from g = ∂L/∂y: a missing rule is a type error. */
const RULES: Record<SoftmaxName, (x: Tensor, y: Tensor, g: Tensor) => Tensor> = {
  softmax: (_x, y, g) => softmaxGradient(y, g),
  logSoftmax: (_x, y, g) => sub(g, mul(exp(y), column(sum(g, 1, 2)))),
  logSumExp: (x, _y, g) => mul(softmax(x), column(g)),
};

/** y = f(x) row by row: x [n, k] -> y [n, k], or [n] for logSumExp. */
export const softmaxOp: Op<Attributes> = {
  name: "softmax",
  infer([x], { kind }) {
    expectColumns(kind, x);
    return [f32(kind === "logSumExp" ? [x.shape[0]] : x.shape)];
  },
  lower({ inputs: [x], outputs: [y], attributes: { kind } }, emit) {
    emit.call(kernel, { MODE: SOFTMAX[kind] }, { n: x.shape[0], k: x.shape[1] }, [x, y]);
  },
  gradient: ({ inputs: [x], outputs: [y], attributes: { kind } }, [g]) => [RULES[kind](x, y, g!)],
  examples: (Object.keys(SOFTMAX) as SoftmaxName[]).map((kind) => ({
    name: kind,
    inputs: [{ shape: [3, 4], low: -2, high: 2 }],
    attributes: { kind },
  })),
};

/** The largest element of each row. */
export const rowMaxOp: Op<Record<never, never>> = {
  name: "rowMax",
  infer([x]) {
    expectColumns("rowMax", x);
    return [f32([x.shape[0]])];
  },
  lower({ inputs: [x], outputs: [y] }, emit) {
    const [rows, n] = x.shape;
    emit.call(reduce, { OP: REDUCE.max }, { rows, n, block: n }, [x, y]);
  },
  gradient: { none: "a row's maximum is used as a constant; stop the gradient before it" },
  examples: [],
};

/**
 * e^x_ij / Σ_l e^x_il: rows that sum to one.
 * @param x [n, k], k ≥ 1.
 * @returns [n, k]
 * @throws {RangeError} naming the shape where it is no such matrix.
 */
export function softmax(x: Tensor): Tensor {
  return apply(softmaxOp, [x], { kind: "softmax" })[0];
}

/**
 * x_ij − log Σ_l e^x_il.
 * @param x [n, k], k ≥ 1.
 * @returns [n, k]; −∞ where x is.
 * @throws {RangeError} naming the shape where it is no such matrix.
 */
export function logSoftmax(x: Tensor): Tensor {
  return apply(softmaxOp, [x], { kind: "logSoftmax" })[0];
}

/**
 * log Σ_l e^x_il.
 * @param x [n, k], k ≥ 1.
 * @returns [n]
 * @throws {RangeError} naming the shape where it is no such matrix.
 */
export function logSumExp(x: Tensor): Tensor {
  return apply(softmaxOp, [x], { kind: "logSumExp" })[0];
}

/**
 * The largest element of each row, NaN where the row holds NaN; without a gradient.
 * @param x [n, k], k ≥ 1.
 * @returns [n]
 * @throws {RangeError} naming the shape where it is no such matrix.
 */
export function rowMax(x: Tensor): Tensor {
  return apply(rowMaxOp, [x], {})[0];
}

/** ∂L/∂x_ij = y_ij·(g_ij − Σ_l g_il·y_il) of y = softmax(x) and g = ∂L/∂y, all [n, k]. */
export function softmaxGradient(y: Tensor, g: Tensor): Tensor {
  return mul(y, sub(g, column(sum(mul(g, y), 1, 2))));
}

/** [n] -> [n, 1], which broadcasts over columns. */
function column(x: Tensor): Tensor {
  return reshape(x, [x.size, 1]);
}

function expectColumns(op: string, x: Tensor): void {
  expectRank(op, "x", x, 2);
  if (x.shape[1] === 0) throw new RangeError(`${op}: x must have at least one column, got ${x}`);
}
