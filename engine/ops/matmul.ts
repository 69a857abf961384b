/** Products of two matrices, either of them transposed, by the kernels of the dense layer. */
import { expectRank } from "../tensor/op.ts";
import { formatShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { dense, denseInputGradient, denseWeightGradient } from "./dense.ts";

/**
 * a·b.
 * @param a [m, k]. @param b [k, n].
 * @returns [m, n]
 * @throws {RangeError} naming both shapes where they do not fit.
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  expectFit("matmul", [a, "columns", 1], [b, "rows", 0]);
  return dense(a, b);
}

/**
 * aᵀ·b.
 * @param a [m, k]. @param b [m, n].
 * @returns [k, n]
 * @throws {RangeError} naming both shapes where they do not fit.
 */
export function matmulTransposeA(a: Tensor, b: Tensor): Tensor {
  expectFit("matmulTransposeA", [a, "rows", 0], [b, "rows", 0]);
  return denseWeightGradient(a, b);
}

/**
 * a·bᵀ.
 * @param a [m, n]. @param b [k, n].
 * @returns [m, k]
 * @throws {RangeError} naming both shapes where they do not fit.
 */
export function matmulTransposeB(a: Tensor, b: Tensor): Tensor {
  expectFit("matmulTransposeB", [a, "columns", 1], [b, "columns", 1]);
  return denseInputGradient(a, b);
}

/** A matrix, and the name and number of the axis that is summed over. */
type Operand = readonly [matrix: Tensor, lines: string, axis: number];

function expectFit(
  op: string,
  [a, linesOfA, axisOfA]: Operand,
  [b, linesOfB, axisOfB]: Operand,
): void {
  expectRank(op, "a", a, 2);
  expectRank(op, "b", b, 2);
  const [sizeA, sizeB] = [a.shape[axisOfA], b.shape[axisOfB]];
  if (sizeA === sizeB) return;
  throw new RangeError(
    `${op}: a ${formatShape(a.shape)} and b ${formatShape(b.shape)} do not fit: ` +
      `the ${linesOfA} of a (${sizeA}) must equal the ${linesOfB} of b (${sizeB})`,
  );
}
