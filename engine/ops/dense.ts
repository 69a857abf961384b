/** Matrix products of a fully connected layer: forward, and the two products of its gradient. */
import { dense as denseKernel } from "../../kernels/dense.ts";
import { denseInputGradient as inputGradientKernel } from "../../kernels/dense_input_gradient.ts";
import { denseWeightGradient as weightGradientKernel } from "../../kernels/dense_weight_gradient.ts";
import { apply, expectRank, expectShape, f32, type None } from "../op.ts";
import type { Emitter, Node, Tensor, TensorType } from "../tensor.ts";
import { add, reluGradient } from "./binary.ts";
import type { RegisteredOp } from "./registered.ts";
import { broadcastTo, sum } from "./sum.ts";

function inferDense(name: string, [x, w, b]: readonly Tensor[]): [TensorType] {
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
}

function emitDense({ inputs: [x, w, b], outputs: [y] }: Node, emit: Emitter, act: 0 | 1): void {
  const [m, k, n] = [x.shape[0], x.shape[1], w.shape[1]];
  const constants = { ACT: act, USE_BIAS: b ? 1 : 0 };
  emit.call(denseKernel, constants, { m, k, n }, [x, w, b ?? emit.scratch([1]), y]);
}

/** The gradients of x, w and b from dy = ∂L/∂(x·w + b). */
const denseGradient = (
  [x, w]: readonly Tensor[],
  dy: Tensor,
  needed: readonly boolean[],
): (Tensor | undefined)[] => [
  needed[0] ? denseInputGradient(dy, w) : undefined,
  needed[1] ? denseWeightGradient(x, dy) : undefined,
  needed[2] ? sum(dy, 0, 1) : undefined,
];

/** y = x·w (+ b): x [m, k], w [k, n], b [n] -> y [m, n]. */
export const denseOp: RegisteredOp<None> = {
  name: "dense",
  memory: "value",
  infer: (inputs) => inferDense("dense", inputs),
  lower: (node, emit) => emitDense(node, emit, 0),
  gradient: ({ inputs }, [g], needed) => denseGradient(inputs, g!, needed),
  rowInputs: () => [0],
  examples: [
    {
      name: "bias",
      inputs: [{ shape: [3, 5] }, { shape: [5, 4] }, { shape: [4] }],
      attributes: {},
    },
    { name: "no bias", inputs: [{ shape: [2, 3] }, { shape: [3, 2] }], attributes: {} },
  ],
};

/** y = max(x·w (+ b), 0), the ReLU in the product's epilogue. Fusion makes it. */
export const denseReluOp: RegisteredOp<None> = {
  name: "denseRelu",
  memory: "value",
  infer: (inputs) => inferDense("denseRelu", inputs),
  lower: (node, emit) => emitDense(node, emit, 1),
  gradient: ({ inputs, outputs: [y] }, [g], needed) =>
    denseGradient(inputs, reluGradient(g!, y), needed),
  examples: [{
    // The bias keeps every unit away from the kink: |x·w| ≤ 3 · 0.2 · 0.2 < |b|.
    name: "bias",
    inputs: [
      { shape: [2, 3], low: -0.2, high: 0.2 },
      { shape: [3, 4], low: -0.2, high: 0.2 },
      { shape: [4], values: [0.5, -0.5, 0.4, -0.3] },
    ],
    attributes: {},
  }],
};

function inferInputGradient(name: string, [dy, w]: readonly Tensor[]): [TensorType] {
  expectRank(name, "dy", dy, 2);
  expectRank(name, "w", w, 2);
  if (dy.shape[1] !== w.shape[1]) {
    throw new RangeError(`${name}: the columns of dy ${dy} and w ${w} must be equal`);
  }
  return [f32([dy.shape[0], w.shape[0]])];
}

function emitInputGradient({ inputs: [dy, w, y], outputs: [dx] }: Node, emit: Emitter): void {
  const [m, n, k] = [dy.shape[0], dy.shape[1], w.shape[0]];
  const constants = { MASK: y ? 1 : 0 };
  emit.call(inputGradientKernel, constants, { m, k, n }, [dy, w, y ?? emit.scratch([1]), dx]);
}

/** The gradients of dy and w from g = ∂L/∂(dy·wᵀ). */
const inputGradientGradient = (
  [dy, w]: readonly Tensor[],
  g: Tensor,
  needed: readonly boolean[],
): (Tensor | undefined)[] => [
  needed[0] ? dense(g, w) : undefined,
  needed[1] ? denseWeightGradient(g, dy) : undefined,
];

/** dx = dy·wᵀ: dy [m, n], w [k, n] -> dx [m, k]. */
export const denseInputGradientOp: RegisteredOp<None> = {
  name: "denseInputGradient",
  memory: "value",
  infer: (inputs) => inferInputGradient("denseInputGradient", inputs),
  lower: emitInputGradient,
  gradient: ({ inputs }, [g], needed) => inputGradientGradient(inputs, g!, needed),
  rowInputs: () => [0],
  examples: [{ name: "plain", inputs: [{ shape: [3, 4] }, { shape: [5, 4] }], attributes: {} }],
};

/** dx = dy·wᵀ where y > 0, else 0: y [m, k], the output of a ReLU. Fusion makes it. */
export const maskedInputGradientOp: RegisteredOp<None> = {
  name: "maskedInputGradient",
  memory: "value",
  infer(inputs) {
    const [type] = inferInputGradient("maskedInputGradient", inputs);
    expectShape("maskedInputGradient", "y", inputs[2], type.shape);
    return [type];
  },
  lower: emitInputGradient,
  gradient: ({ inputs: [dy, w, y] }, [g], needed) => [
    ...inputGradientGradient([dy, w], reluGradient(g!, y), needed),
    undefined,
  ],
  examples: [{
    name: "plain",
    inputs: [{ shape: [3, 4] }, { shape: [5, 4] }, { shape: [3, 5], fixed: true }],
    attributes: {},
  }],
};

function inferWeightGradient(name: string, [x, dy]: readonly Tensor[]): [TensorType] {
  expectRank(name, "x", x, 2);
  expectRank(name, "dy", dy, 2);
  if (x.shape[0] !== dy.shape[0]) {
    throw new RangeError(`${name}: the rows of x ${x} and dy ${dy} must be equal`);
  }
  return [f32([x.shape[1], dy.shape[1]])];
}

function emitWeightGradient(
  { inputs: [x, dy], outputs: [dw, db] }: Node,
  emit: Emitter,
): void {
  const [m, k, n] = [x.shape[0], x.shape[1], dy.shape[1]];
  const constants = { BIAS: db ? 1 : 0 };
  emit.call(weightGradientKernel, constants, { m, k, n }, [x, dy, db ?? emit.scratch([1]), dw]);
}

/** dw = xᵀ·dy: x [m, k], dy [m, n] -> dw [k, n]. */
export const denseWeightGradientOp: RegisteredOp<None> = {
  name: "denseWeightGradient",
  memory: "value",
  infer: (inputs) => inferWeightGradient("denseWeightGradient", inputs),
  lower: emitWeightGradient,
  gradient: ({ inputs: [x, dy] }, [g], needed) => [
    needed[0] ? denseInputGradient(dy, g!) : undefined,
    needed[1] ? dense(x, g!) : undefined,
  ],
  examples: [{ name: "plain", inputs: [{ shape: [3, 4] }, { shape: [3, 2] }], attributes: {} }],
};

/** dw = xᵀ·dy and db = 1ᵀ·dy: x [m, k], dy [m, n] -> dw [k, n], db [n]. Fusion makes it. */
export const weightAndBiasGradientOp: RegisteredOp<None> = {
  name: "weightAndBiasGradient",
  memory: "value",
  infer(inputs) {
    const [dw] = inferWeightGradient("weightAndBiasGradient", inputs);
    return [dw, f32([dw.shape[1]])];
  },
  lower: emitWeightGradient,
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
