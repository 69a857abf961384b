/** Matrix products of a fully connected layer: forward, and the two products of its gradient. */
import { dense as denseKernel } from "../../kernels/dense.ts";
import { denseInputGradient as inputGradientKernel } from "../../kernels/dense_input_gradient.ts";
import { denseWeightGradient as weightGradientKernel } from "../../kernels/dense_weight_gradient.ts";
import { apply, expectRank, expectShape, f32, type None } from "../tensor/op.ts";
import type { Example, ExampleInput, Tensor } from "../tensor/tensor.ts";
import { add, reluGradient } from "./binary.ts";
import type { RegisteredOp } from "./registered.ts";
import { broadcastTo, sum } from "./sum.ts";

/** y = x·w (+ b), then ReLU or not. */
function productOp(
  name: "dense" | "denseRelu",
  examples: readonly Example<None>[],
): RegisteredOp<None> {
  const relu = name === "denseRelu";
  return {
    name,
    memory: "value",
    infer([x, w, b]) {
      expectRank(name, "x", x, 2);
      expectRank(name, "w", w, 2);
      if (x.shape[1] !== w.shape[0]) {
        throw new RangeError(
          `${name}: x ${x} and w ${w} do not fit: the columns of x (${x.shape[1]}) ` +
            `must equal the rows of w (${w.shape[0]})`,
        );
      }
      if (b) expectShape(name, "b", b, [w.shape[1]]);
      return [f32([x.shape[0], w.shape[1]])];
    },
    lower({ inputs: [x, w, b], outputs: [y] }, emit) {
      const [m, k, n] = [x.shape[0], x.shape[1], w.shape[1]];
      const constants = { ACT: relu ? 1 : 0, USE_BIAS: b ? 1 : 0 };
      emit.call(denseKernel, constants, { m, k, n, stride: k }, [x, w, b ?? emit.scratch([1]), y]);
    },
    gradient({ inputs: [x, w], outputs: [y] }, [g], needed) {
      const dy = relu ? reluGradient(g!, y) : g!;
      return [
        needed[0] ? denseInputGradient(dy, w) : undefined,
        needed[1] ? denseWeightGradient(x, dy) : undefined,
        needed[2] ? sum(dy, 0, 1) : undefined,
      ];
    },
    rowInputs: () => [0],
    examples,
  };
}

/** y = x·w (+ b): x [m, k], w [k, n], b [n] -> y [m, n]. */
export const denseOp: RegisteredOp<None> = productOp("dense", [
  { name: "bias", inputs: [{ shape: [3, 5] }, { shape: [5, 4] }, { shape: [4] }], attributes: {} },
  { name: "no bias", inputs: [{ shape: [2, 3] }, { shape: [3, 2] }], attributes: {} },
]);

/** y = max(x·w (+ b), 0), the ReLU in the product's epilogue. Fusion makes it. */
export const denseReluOp: RegisteredOp<None> = productOp("denseRelu", [{
  // The bias keeps every unit away from the kink: |x·w| ≤ 3 · 0.2 · 0.2 < |b|.
  name: "bias",
  inputs: [
    { shape: [2, 3], low: -0.2, high: 0.2 },
    { shape: [3, 4], low: -0.2, high: 0.2 },
    { shape: [4], values: [0.5, -0.5, 0.4, -0.3] },
  ],
  attributes: {},
}]);

/** dx = dy·wᵀ, where y > 0 if there is such an input. */
function inputGradientOp(name: "denseInputGradient" | "maskedInputGradient"): RegisteredOp<None> {
  const isMasked = name === "maskedInputGradient";
  const mask: ExampleInput[] = isMasked ? [{ shape: [3, 5], fixed: true }] : [];
  return {
    name,
    memory: "value",
    infer([dy, w, y]) {
      expectRank(name, "dy", dy, 2);
      expectRank(name, "w", w, 2);
      if (dy.shape[1] !== w.shape[1]) {
        throw new RangeError(`${name}: the columns of dy ${dy} and w ${w} must be equal`);
      }
      const shape = [dy.shape[0], w.shape[0]];
      if (isMasked) expectShape(name, "y", y, shape);
      return [f32(shape)];
    },
    lower({ inputs: [dy, w, y], outputs: [dx] }, emit) {
      const [m, n, k] = [dy.shape[0], dy.shape[1], w.shape[0]];
      const constants = { MASK: isMasked ? 1 : 0 };
      const masked = isMasked ? y : emit.scratch([1]);
      emit.call(inputGradientKernel, constants, { m, k, n }, [dy, w, masked, dx]);
    },
    gradient({ inputs: [dy, w, y] }, [g], needed) {
      const dx = isMasked ? reluGradient(g!, y) : g!;
      return [
        needed[0] ? dense(dx, w) : undefined,
        needed[1] ? denseWeightGradient(dx, dy) : undefined,
        undefined,
      ];
    },
    rowInputs: () => (isMasked ? [0, 2] : [0]),
    examples: [{
      name: "plain",
      inputs: [{ shape: [3, 4] }, { shape: [5, 4] }, ...mask],
      attributes: {},
    }],
  };
}

/** dx = dy·wᵀ: dy [m, n], w [k, n] -> dx [m, k]. */
export const denseInputGradientOp: RegisteredOp<None> = inputGradientOp("denseInputGradient");

/** dx = dy·wᵀ where y > 0, else 0: y [m, k], the output of a ReLU. Fusion makes it. */
export const maskedInputGradientOp: RegisteredOp<None> = inputGradientOp("maskedInputGradient");

/** dw = xᵀ·dy, and db = 1ᵀ·dy or not. */
function weightGradientOp(
  name: "denseWeightGradient" | "weightAndBiasGradient",
): RegisteredOp<None> {
  const hasBias = name === "weightAndBiasGradient";
  return {
    name,
    memory: "value",
    infer([x, dy]) {
      expectRank(name, "x", x, 2);
      expectRank(name, "dy", dy, 2);
      if (x.shape[0] !== dy.shape[0]) {
        throw new RangeError(`${name}: the rows of x ${x} and dy ${dy} must be equal`);
      }
      const [k, n] = [x.shape[1], dy.shape[1]];
      return hasBias ? [f32([k, n]), f32([n])] : [f32([k, n])];
    },
    lower({ inputs: [x, dy], outputs: [dw, db] }, emit) {
      const [m, k, n] = [x.shape[0], x.shape[1], dy.shape[1]];
      const constants = { BIAS: hasBias ? 1 : 0 };
      const sums = hasBias ? db : emit.scratch([1]);
      emit.call(weightGradientKernel, constants, { m, k, n }, [x, dy, sums, dw]);
    },
    gradient({ inputs: [x, dy] }, [gw, gb], needed) {
      const products = gw && needed[1] ? dense(x, gw) : undefined;
      const sums = gb && needed[1] ? broadcastTo(gb, dy.shape) : undefined;
      return [
        gw && needed[0] ? denseInputGradient(dy, gw) : undefined,
        products && sums ? add(products, sums) : products ?? sums,
      ];
    },
    examples: [{ name: "plain", inputs: [{ shape: [3, 4] }, { shape: [3, 2] }], attributes: {} }],
  };
}

/** dw = xᵀ·dy: x [m, k], dy [m, n] -> dw [k, n]. */
export const denseWeightGradientOp: RegisteredOp<None> = weightGradientOp("denseWeightGradient");

/** dw = xᵀ·dy and db = 1ᵀ·dy: x [m, k], dy [m, n] -> dw [k, n], db [n]. Fusion makes it. */
export const weightAndBiasGradientOp: RegisteredOp<None> = weightGradientOp(
  "weightAndBiasGradient",
);

/**
 * x·w + b, the affine map of a fully connected layer.
 * @param x [m, k]. @param w [k, n]. @param b [n], or none.
 * @returns [m, n]
 * @throws {RangeError} naming both shapes where they do not fit.
 */
export function dense(x: Tensor, w: Tensor, b?: Tensor): Tensor {
  return apply(denseOp, b ? [x, w, b] : [x, w], {})[0];
}

/** dy·wᵀ: dy [m, n], w [k, n] -> [m, k]. */
export function denseInputGradient(dy: Tensor, w: Tensor): Tensor {
  return apply(denseInputGradientOp, [dy, w], {})[0];
}

/** xᵀ·dy: x [m, k], dy [m, n] -> [k, n]. */
export function denseWeightGradient(x: Tensor, dy: Tensor): Tensor {
  return apply(denseWeightGradientOp, [x, dy], {})[0];
}
