/** Matrix products of a fully connected layer: forward, and the two products of its gradient. */
import { dense as denseKernel } from "../../kernels/dense.ts";
import { denseInputGradient as inputGradientKernel } from "../../kernels/dense_input_gradient.ts";
import { denseWeightGradient as weightGradientKernel } from "../../kernels/dense_weight_gradient.ts";
import type { Op } from "../op.ts";
import { apply, expectRank, expectShape, f32, type Tensor } from "../tensor.ts";
import { sum } from "./sum.ts";
import { reluGradient } from "./binary.ts";

interface DenseAttributes {
  /** What the plan's fusion fills in: a ReLU in the epilogue. */
  readonly relu: boolean;
}

/** y = x·w (+ b): x [m, k], w [k, n], b [n] -> y [m, n]. */
export const denseOp: Op<DenseAttributes> = {
  name: "dense",
  infer([x, w, b]) {
    expectRank("dense", "x", x, 2);
    expectRank("dense", "w", w, 2);
    if (x.shape[1] !== w.shape[0]) {
      throw new RangeError(
        `dense: x ${x} and w ${w} do not fit: the columns of x (${x.shape[1]}) ` +
          `must equal the rows of w (${w.shape[0]})`,
      );
    }
    if (b) expectShape("dense", "b", b, [w.shape[1]]);
    return [f32([x.shape[0], w.shape[1]])];
  },
  lower({ inputs: [x, w, b], outputs: [y], attributes: { relu } }, emit) {
    const [m, k, n] = [x.shape[0], x.shape[1], w.shape[1]];
    const constants = { ACT: relu ? 1 : 0, USE_BIAS: b ? 1 : 0 };
    emit.call(denseKernel, constants, { m, k, n }, [x, w, b ?? emit.scratch([1]), y]);
  },
  gradient({ inputs: [x, w], outputs: [y], attributes: { relu } }, [g], needed) {
    const dy = relu ? reluGradient(g!, y) : g!;
    return [
      needed[0] ? denseInputGradient(dy, w) : undefined,
      needed[1] ? denseWeightGradient(x, dy) : undefined,
      needed[2] ? sum(dy, 0, 1) : undefined,
    ];
  },
  examples: [
    {
      name: "bias",
      inputs: [{ shape: [3, 5] }, { shape: [5, 4] }, { shape: [4] }],
      attributes: { relu: false },
    },
    {
      name: "no bias",
      inputs: [{ shape: [2, 3] }, { shape: [3, 2] }],
      attributes: { relu: false },
    },
    {
      // The bias keeps every unit away from the kink: |x·w| ≤ 3 · 0.2 · 0.2 < |b|.
      name: "ReLU",
      inputs: [
        { shape: [2, 3], low: -0.2, high: 0.2 },
        { shape: [3, 4], low: -0.2, high: 0.2 },
        { shape: [4], values: [0.5, -0.5, 0.4, -0.3] },
      ],
      attributes: { relu: true },
    },
  ],
};

interface InputGradientAttributes {
  /** What the plan's fusion fills in: the third input is the ReLU output whose mask applies. */
  readonly mask: boolean;
}

/** dx = dy·wᵀ: dy [m, n], w [k, n] -> dx [m, k]. */
export const denseInputGradientOp: Op<InputGradientAttributes> = {
  name: "denseInputGradient",
  infer([dy, w]) {
    expectRank("denseInputGradient", "dy", dy, 2);
    expectRank("denseInputGradient", "w", w, 2);
    if (dy.shape[1] !== w.shape[1]) {
      throw new RangeError(`denseInputGradient: the columns of dy ${dy} and w ${w} must be equal`);
    }
    return [f32([dy.shape[0], w.shape[0]])];
  },
  lower({ inputs: [dy, w, y], outputs: [dx], attributes: { mask } }, emit) {
    const [m, n, k] = [dy.shape[0], dy.shape[1], w.shape[0]];
    const masked = mask ? y : emit.scratch([1]);
    emit.call(inputGradientKernel, { MASK: mask ? 1 : 0 }, { m, k, n }, [dy, w, masked, dx]);
  },
  gradient: ({ inputs: [dy, w] }, [g], needed) => [
    needed[0] ? dense(g!, w) : undefined,
    needed[1] ? denseWeightGradient(g!, dy) : undefined,
  ],
  examples: [
    { name: "plain", inputs: [{ shape: [3, 4] }, { shape: [5, 4] }], attributes: { mask: false } },
  ],
};

/** dw = xᵀ·dy (and db = 1ᵀ·dy): x [m, k], dy [m, n] -> dw [k, n] (and db [n]). */
export const denseWeightGradientOp: Op<Record<never, never>> = {
  name: "denseWeightGradient",
  infer([x, dy]) {
    expectRank("denseWeightGradient", "x", x, 2);
    expectRank("denseWeightGradient", "dy", dy, 2);
    if (x.shape[0] !== dy.shape[0]) {
      throw new RangeError(`denseWeightGradient: the rows of x ${x} and dy ${dy} must be equal`);
    }
    return [f32([x.shape[1], dy.shape[1]])];
  },
  // The plan's fusion adds the second output.
  lower({ inputs: [x, dy], outputs: [dw, db] }, emit) {
    const [m, k, n] = [x.shape[0], x.shape[1], dy.shape[1]];
    const constants = { BIAS: db ? 1 : 0 };
    emit.call(weightGradientKernel, constants, { m, k, n }, [x, dy, db ?? emit.scratch([1]), dw]);
  },
  gradient: ({ inputs: [x, dy] }, [g], needed) => [
    needed[0] ? denseInputGradient(dy, g!) : undefined,
    needed[1] ? dense(x, g!) : undefined,
  ],
  examples: [{ name: "plain", inputs: [{ shape: [3, 4] }, { shape: [3, 2] }], attributes: {} }],
};

/**
 * x·w + b, the affine map of a fully connected layer.
 * @param x [m, k]. @param w [k, n]. @param b [n], or none.
 * @returns [m, n]
 * @throws {RangeError} naming both shapes where they do not fit.
 */
export function dense(x: Tensor, w: Tensor, b?: Tensor): Tensor {
  return apply(denseOp, b ? [x, w, b] : [x, w], { relu: false })[0];
}

/** dy·wᵀ: dy [m, n], w [k, n] -> [m, k]. */
export function denseInputGradient(dy: Tensor, w: Tensor): Tensor {
  return apply(denseInputGradientOp, [dy, w], { mask: false })[0];
}

/** xᵀ·dy: x [m, k], dy [m, n] -> [k, n]. */
export function denseWeightGradient(x: Tensor, dy: Tensor): Tensor {
  return apply(denseWeightGradientOp, [x, dy], {})[0];
}
