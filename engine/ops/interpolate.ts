/** Mixing of rows by per-row coefficients, as ACAI interpolates codes. */
import { interpolate as kernel } from "../../kernels/interpolate.ts";
import { interpolateGradient as gradientKernel } from "../../kernels/interpolate_gradient.ts";
import { apply, expectRank, expectShape, f32, type None } from "../tensor/op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { affine } from "./affine.ts";
import { mul } from "./binary.ts";
import type { RegisteredOp } from "./registered.ts";
import { reshape } from "./reshape.ts";

const COEFFICIENTS = [0.1, 0.8, 0.35];

/** y_i = t_i·z_i + (1 − t_i)·z_(n−1−i): z [n, w], t [n]. */
export const interpolateReversedOp: RegisteredOp<None> = {
  name: "interpolateReversed",
  memory: "value",
  infer([z, t]) {
    expectRank("interpolateReversed", "z", z, 2);
    expectShape("interpolateReversed", "t", t, [z.shape[0]]);
    return [f32(z.shape)];
  },
  lower({ inputs: [z, t], outputs: [y] }, emit) {
    emit.call(kernel, { REVERSE: 1 }, { n: z.shape[0], w: z.shape[1] }, [z, z, t, y]);
  },
  gradient: ({ inputs: [, t] }, [g]) => [apply(interpolateGradientOp, [g!, t], {})[0], undefined],
  examples: [
    {
      name: "rows",
      inputs: [{ shape: [3, 4] }, { shape: [3], values: COEFFICIENTS }],
      attributes: {},
    },
  ],
};

/** The adjoint of {@linkcode interpolateReversedOp} in z, which is linear in z. */
export const interpolateGradientOp: RegisteredOp<None> = {
  name: "interpolateGradient",
  memory: "value",
  infer: ([g]) => [f32(g.shape)],
  lower({ inputs: [g, t], outputs: [dz] }, emit) {
    emit.call(gradientKernel, {}, { n: g.shape[0], w: g.shape[1] }, [g, t, dz]);
  },
  gradient: ({ inputs: [, t] }, [g]) => [apply(interpolateReversedOp, [g!, t], {})[0], undefined],
  examples: [
    {
      name: "rows",
      inputs: [{ shape: [3, 4] }, { shape: [3], values: COEFFICIENTS }],
      attributes: {},
    },
  ],
};

/** y_i = t_i·a_i + (1 − t_i)·b_i: a, b [n, w], t [n]; not differentiated in t. */
export const interpolateOp: RegisteredOp<None> = {
  name: "interpolate",
  memory: "value",
  infer([a, b, t]) {
    expectRank("interpolate", "a", a, 2);
    expectShape("interpolate", "b", b, a.shape);
    expectShape("interpolate", "t", t, [a.shape[0]]);
    return [f32(a.shape)];
  },
  lower({ inputs: [a, b, t], outputs: [y] }, emit) {
    emit.call(kernel, { REVERSE: 0 }, { n: a.shape[0], w: a.shape[1] }, [a, b, t, y]);
  },
  gradient({ inputs: [, , t] }, [g], needed) {
    const column = reshape(t, [t.shape[0], 1]);
    return [
      needed[0] ? mul(g!, column) : undefined,
      needed[1] ? mul(g!, affine(column, -1, 1)) : undefined,
      undefined,
    ];
  },
  examples: [
    {
      name: "rows",
      inputs: [{ shape: [3, 4] }, { shape: [3, 4] }, { shape: [3], values: COEFFICIENTS }],
      attributes: {},
    },
  ],
};

/** t·z + (1 − t)·(z with its rows in reverse order): z [n, w], t [n]. */
export function interpolateReversed(z: Tensor, t: Tensor): Tensor {
  return apply(interpolateReversedOp, [z, t], {})[0];
}

/** t·a + (1 − t)·b row by row: a, b [n, w], t [n]. */
export function interpolate(a: Tensor, b: Tensor, t: Tensor): Tensor {
  return apply(interpolateOp, [a, b, t], {})[0];
}
