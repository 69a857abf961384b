/** Squared distances of all points to all centroids, and their gradient. */
import { distances as kernel } from "../../kernels/distances.ts";
import { distancesGradient as gradientKernel } from "../../kernels/distances_gradient.ts";
import { apply, expectRank, expectShape, f32, type None } from "../tensor/op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { scale } from "./affine.ts";
import { mul, sub } from "./binary.ts";
import { matmul, matmulTransposeA, matmulTransposeB } from "./matmul.ts";
import type { RegisteredOp } from "./registered.ts";
import { reshape } from "./reshape.ts";
import { sum } from "./sum.ts";

/** y_ij = ‖z_i − c_j‖²: z [n, p], c [k, p] -> y [n, k]. */
export const squaredDistancesOp: RegisteredOp<None> = {
  name: "squaredDistances",
  memory: "value",
  infer([z, centroids]) {
    expectRank("squaredDistances", "z", z, 2);
    expectRank("squaredDistances", "centroids", centroids, 2);
    expectShape("squaredDistances", "centroids", centroids, [centroids.shape[0], z.shape[1]]);
    return [f32([z.shape[0], centroids.shape[0]])];
  },
  lower({ inputs: [z, centroids], outputs: [y] }, emit) {
    // The kernel gives a row for each point of its second argument.
    const [k, d] = centroids.shape;
    emit.call(kernel, {}, { n: k, first: 0, total: k, d, k: z.shape[0] }, [centroids, z, y]);
  },
  gradient: ({ inputs: [z, centroids] }, [g], needed) => [
    needed[0] ? distancesGradient(g!, z, centroids) : undefined,
    needed[1] ? distancesGradient(g!, centroids, z, true) : undefined,
  ],
  examples: [{ name: "plain", inputs: [{ shape: [4, 3] }, { shape: [2, 3] }], attributes: {} }],
};

/** How the gradient comes. */
export interface GradientAttributes {
  /** Whether g is [k, n]. */
  readonly transposed: boolean;
}

/** dx_i = 2 Σ_j g_ij·(x_i − c_j): g [n, k] or its transpose, x [n, p], c [k, p] -> dx [n, p]. */
export const distancesGradientOp: RegisteredOp<GradientAttributes> = {
  name: "distancesGradient",
  memory: "value",
  infer([g, x, c], { transposed }) {
    const [n, k] = [x.shape[0], c.shape[0]];
    expectShape("distancesGradient", "g", g, transposed ? [k, n] : [n, k]);
    return [f32(x.shape)];
  },
  lower({ inputs: [g, x, c], outputs: [dx], attributes: { transposed } }, emit) {
    const [n, d] = x.shape;
    const constants = { TRANSPOSED: transposed ? 1 : 0 };
    emit.call(gradientKernel, constants, { n, d, k: c.shape[0] }, [g, x, c, dx]);
  },
  gradient({ inputs: [g, x, c], attributes: { transposed } }, [h], needed) {
    const n = x.shape[0];
    const alongX = () => reshape(sum(mul(h!, x), 1, 2), transposed ? [1, n] : [n, 1]);
    const alongC = () => transposed ? matmulTransposeB(c, h!) : matmulTransposeB(h!, c);
    const weights = () => transposed ? sum(g, 0, 1) : sum(g, 1, 2);
    return [
      needed[0] ? scale(sub(alongX(), alongC()), 2) : undefined,
      needed[1] ? scale(mul(h!, reshape(weights(), [n, 1])), 2) : undefined,
      needed[2] ? scale(transposed ? matmul(g, h!) : matmulTransposeA(g, h!), -2) : undefined,
    ];
  },
  examples: [false, true].map((transposed) => ({
    name: transposed ? "transposed" : "plain",
    inputs: [{ shape: transposed ? [2, 4] : [4, 2] }, { shape: [4, 3] }, { shape: [2, 3] }],
    attributes: { transposed },
  })),
};

/**
 * ‖z_i − μ_j‖² of every point and centroid, by direct differences: relative error (p + 3)·2⁻²⁴,
 * however far from the origin the points are.
 * @param z [n, p]. @param centroids [k, p].
 * @returns [n, k]
 * @throws {RangeError} naming both shapes where they do not fit.
 */
export function squaredDistances(z: Tensor, centroids: Tensor): Tensor {
  return apply(squaredDistancesOp, [z, centroids], {})[0];
}

/** 2 Σ_j g_ij·(x_i − c_j): g [n, k], or [k, n] if `transposed`, x [n, p], c [k, p] -> [n, p]. */
export function distancesGradient(g: Tensor, x: Tensor, c: Tensor, transposed = false): Tensor {
  return apply(distancesGradientOp, [g, x, c], { transposed })[0];
}
