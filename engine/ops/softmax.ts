/**
 * Softmax and its relatives over the columns of a matrix, computed relative to each row's maximum.
 *
 * −∞ has weight 0; a row that holds NaN or ∞, or nothing but −∞, gives NaN.
 */
import { SOFTMAX, softmax as kernel, type SoftmaxName } from "../../kernels/softmax.ts";
import { apply, expectRank, f32, type None } from "../tensor/op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { mul, sub } from "./binary.ts";
import type { RegisteredOp } from "./registered.ts";
import { reshape } from "./reshape.ts";
import { sum } from "./sum.ts";
import { exp } from "./unary.ts";

/** ∂L/∂x from g = ∂L/∂y. */
type Rule = (x: Tensor, y: Tensor, g: Tensor) => Tensor;

function softmaxOp(name: SoftmaxName, rule: Rule): RegisteredOp<None> {
  return {
    name,
    memory: "value",
    infer([x]) {
      expectColumns(name, x);
      return [f32(name === "logSumExp" ? [x.shape[0]] : x.shape)];
    },
    lower({ inputs: [x], outputs: [y] }, emit) {
      emit.call(kernel, { MODE: SOFTMAX[name] }, { n: x.shape[0], k: x.shape[1] }, [x, y]);
    },
    gradient: ({ inputs: [x], outputs: [y] }, [g]) => [rule(x, y, g!)],
    examples: [{
      name: "matrix",
      inputs: [{ shape: [3, 4], low: -2, high: 2 }],
      attributes: {},
    }],
  };
}

/** y = f(x) row by row of every f: x [n, k] -> y [n, k], or [n] for logSumExp. */
export const SOFTMAX_OPS: Readonly<Record<SoftmaxName, RegisteredOp<None>>> = {
  softmax: softmaxOp("softmax", (_x, y, g) => softmaxGradient(y, g)),
  logSoftmax: softmaxOp(
    "logSoftmax",
    (_x, y, g) => sub(g, mul(exp(y), column(sum(g, 1, 2)))),
  ),
  logSumExp: softmaxOp("logSumExp", (x, _y, g) => mul(softmax(x), column(g))),
};

/**
 * e^x_ij / Σ_l e^x_il: rows that sum to one.
 * @param x [n, k], k ≥ 1.
 * @returns [n, k]
 * @throws {RangeError} naming the shape where it is no such matrix.
 */
export function softmax(x: Tensor): Tensor {
  return apply(SOFTMAX_OPS.softmax, [x], {})[0];
}

/**
 * x_ij − log Σ_l e^x_il.
 * @param x [n, k], k ≥ 1.
 * @returns [n, k]; −∞ where x is.
 * @throws {RangeError} naming the shape where it is no such matrix.
 */
export function logSoftmax(x: Tensor): Tensor {
  return apply(SOFTMAX_OPS.logSoftmax, [x], {})[0];
}

/**
 * log Σ_l e^x_il.
 * @param x [n, k], k ≥ 1.
 * @returns [n]
 * @throws {RangeError} naming the shape where it is no such matrix.
 */
export function logSumExp(x: Tensor): Tensor {
  return apply(SOFTMAX_OPS.logSumExp, [x], {})[0];
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
