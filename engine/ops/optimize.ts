/** Optimiser updates: one call over a whole parameter arena. */
import { adam as adamKernel } from "../../kernels/adam.ts";
import { sgd as sgdKernel } from "../../kernels/sgd.ts";
import type { Op } from "../op.ts";
import { apply, expectShape, f32, type Tensor, type Variable } from "../tensor.ts";

interface PackAttributes {
  /** Element offset of each input. */
  readonly offsets: readonly number[];
  readonly length: number;
}

/**
 * Places tensors at offsets of one array. The plan lets their makers write there directly, so that
 * nothing is copied; gaps hold zeros.
 */
export const packOp: Op<PackAttributes> = {
  name: "pack",
  infer: (_inputs, { length }) => [f32([length])],
  gradient: { none: "it prepares an update" },
  examples: [],
};

/** `tensors[i]` at `offsets[i]` of one array of `length` elements. */
export function pack(
  tensors: readonly Tensor[],
  offsets: readonly number[],
  length: number,
): Tensor {
  return apply(packOp, tensors, { offsets, length })[0];
}

/** Constants of Adam. */
export interface AdamConstants {
  /** Step size η, at step 0 where it decays. */
  readonly learningRate: number;
  /** β1, decay of the first moment, in [0, 1). */
  readonly beta1: number;
  /** β2, decay of the second moment, in [0, 1). */
  readonly beta2: number;
  /** ε, added to √v̂. */
  readonly epsilon: number;
  /** Steps of a cosine decay of the learning rate to 0; 0 keeps it constant. */
  readonly decaySteps: number;
}

/** Adam (Kingma and Ba, arXiv 1412.6980, algorithm 1) in place. */
export const adamOp: Op<AdamConstants> = {
  name: "adam",
  infer([w, g, m, v, step]) {
    for (const [name, t] of [["g", g], ["m", m], ["v", v]] as const) {
      expectShape("adam", name, t, w.shape);
    }
    expectShape("adam", "step", step, [1]);
    return [];
  },
  lower: ({ inputs, attributes }, emit) =>
    emit.call(adamKernel, {}, { n: inputs[0].size, ...attributes }, inputs),
  gradient: { none: "it is an update" },
  updates: [0, 2, 3],
  examples: [],
};

/** Constants of stochastic gradient descent. */
export interface SgdConstants {
  /** Step size η. */
  readonly learningRate: number;
  /** μ, the share of the velocity that a step keeps, in [0, 1). */
  readonly momentum: number;
}

/** v ← momentum·v − learningRate·g; w ← w + v, in place. */
export const sgdOp: Op<SgdConstants> = {
  name: "sgd",
  infer([w, g, v]) {
    expectShape("sgd", "g", g, w.shape);
    expectShape("sgd", "v", v, w.shape);
    return [];
  },
  lower: ({ inputs, attributes }, emit) =>
    emit.call(sgdKernel, {}, { n: inputs[0].size, ...attributes }, inputs),
  gradient: { none: "it is an update" },
  updates: [0, 2],
  examples: [],
};

/** Applies {@linkcode adamOp}. @param step Updates made before this one, u32 [1]. */
export function applyAdam(
  [w, g, m, v]: readonly [Variable, Tensor, Variable, Variable],
  step: Tensor,
  constants: AdamConstants,
): void {
  apply(adamOp, [w, g, m, v, step], constants);
}

/** Applies {@linkcode sgdOp}. */
export function applySgd(
  [w, g, v]: readonly [Variable, Tensor, Variable],
  constants: SgdConstants,
): void {
  apply(sgdOp, [w, g, v], constants);
}
