/** One affine resampling of every image: rotation and real-valued shift. */
import { augment as kernel } from "../../kernels/augment.ts";
import { apply, expectShape, f32 } from "../tensor/op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { RegisteredOp } from "./registered.ts";

/** How images are augmented. */
export interface Attributes {
  readonly height: number;
  readonly width: number;
}

/** x [n, height·width], transforms [n, 3] = (angle in radians, row shift, column shift in pixels). */
export const augmentOp: RegisteredOp<Attributes> = {
  name: "augment",
  memory: "value",
  infer([x, transforms], { height, width }) {
    expectShape("augment", "x", x, [x.shape[0], height * width]);
    expectShape("augment", "transforms", transforms, [x.shape[0], 3]);
    return [f32(x.shape)];
  },
  lower({ inputs: [x, transforms], outputs: [y], attributes: { height, width } }, emit) {
    emit.call(kernel, {}, { n: x.shape[0], height, width }, [x, transforms, y]);
  },
  gradient: { none: "images are data; stop the gradient before augmenting" },
  examples: [],
};

/**
 * Resamples images, bilinear with the nearest edge pixel outside: output pixel o reads the input at
 * R(θ)(o − c + t) + c, c the centre.
 * @param x [n, height·width]. @param transforms [n, 3]: θ in radians, row and column shift in pixels.
 */
export function augment(x: Tensor, transforms: Tensor, height: number, width: number): Tensor {
  return apply(augmentOp, [x, transforms], { height, width })[0];
}
