/** Optimiser updates: one call over a whole parameter arena. */
import { adam as adamKernel } from "../../kernels/adam.ts";
import { sgd as sgdKernel } from "../../kernels/sgd.ts";
import { apply, expectShape } from "../tensor/op.ts";
import type { Tensor, Variable } from "../tensor/tensor.ts";
import type { RegisteredOp } from "./registered.ts";

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
  /** Steps of a cosine decay of the learning rate to 0, or between its falls; 0 keeps it constant. */
  readonly decaySteps: number;
  /** What the rate is multiplied by at every fall, in (0, 1); 0: it decays along the cosine. */
  readonly decayFactor: number;
  /** The share of the rate below which falls do not take it. */
  readonly leastShare: number;
}

/** Adam (Kingma and Ba, arXiv 1412.6980, algorithm 1) in place. */
export const adamOp: RegisteredOp<AdamConstants> = {
  name: "adam",
  memory: "update",
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
  updates: () => [0, 2, 3],
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
export const sgdOp: RegisteredOp<SgdConstants> = {
  name: "sgd",
  memory: "update",
  infer([w, g, v]) {
    expectShape("sgd", "g", g, w.shape);
    expectShape("sgd", "v", v, w.shape);
    return [];
  },
  lower: ({ inputs, attributes }, emit) =>
    emit.call(sgdKernel, {}, { n: inputs[0].size, ...attributes }, inputs),
  gradient: { none: "it is an update" },
  updates: () => [0, 2],
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
