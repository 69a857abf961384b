/** Orthonormal rows, differentiably: for constraints that hold exactly. */
import { orthonormalize as kernel } from "../../kernels/orthonormalize.ts";
import { orthonormalizeGradient as gradientKernel } from "../../kernels/orthonormalize_gradient.ts";
import { apply, expectRank, f32, type None } from "../tensor/op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { matmulTransposeB } from "./matmul.ts";
import type { RegisteredOp } from "./registered.ts";

/** q of a = l·q, both [k, p], with q·qᵀ = I and l lower triangular. */
export const orthonormalizeOp: RegisteredOp<None> = {
  name: "orthonormalize",
  memory: "value",
  infer([a]) {
    expectRank("orthonormalize", "a", a, 2);
    const [k, p] = a.shape;
    if (p < k) {
      throw new RangeError(
        `orthonormalize: a must have at least as many columns as rows, got ${a}`,
      );
    }
    return [f32([k, p])];
  },
  lower({ inputs: [a], outputs: [q] }, emit) {
    const [k, p] = a.shape;
    emit.call(kernel, {}, { k, p }, [a, q]);
  },
  // a·qᵀ is l, above whose diagonal there is but rounding, which is not read.
  gradient: ({ inputs: [a], outputs: [q] }, [g]) => {
    const [l, products] = [matmulTransposeB(a, q), matmulTransposeB(g!, q)];
    return [apply(orthonormalizeGradientOp, [q, l, g!, products], {})[0]];
  },
  examples: [
    { name: "square", inputs: [{ shape: [3, 3] }], attributes: {} },
    { name: "wide", inputs: [{ shape: [2, 5] }], attributes: {} },
  ],
};

/** ∂L/∂a: inputs q, l, g = ∂L/∂q and g·qᵀ. */
export const orthonormalizeGradientOp: RegisteredOp<None> = {
  name: "orthonormalizeGradient",
  memory: "value",
  infer: ([q]) => [f32(q.shape)],
  lower({ inputs, outputs: [da] }, emit) {
    const [k, p] = inputs[0].shape;
    emit.call(gradientKernel, {}, { k, p }, [...inputs, da]);
  },
  gradient: { none: "second derivatives of orthonormalisation are not needed" },
  examples: [],
};

/**
 * The rows of `a` made orthonormal, each by what the rows before it leave of it (Gram and Schmidt).
 * @param a [k, p], k ≤ p, of full rank: else the result is NaN or noise.
 * @returns [k, p]
 * @throws {RangeError} where there are more rows than columns.
 */
export function orthonormalize(a: Tensor): Tensor {
  return apply(orthonormalizeOp, [a], {})[0];
}
