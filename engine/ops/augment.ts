/** One affine resampling of every image. */
import { augment as kernel } from "../../kernels/augment.ts";
import { apply, expectShape, f32 } from "../tensor/op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { RegisteredOp } from "./registered.ts";

/** How images are augmented. */
export interface Attributes {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** x [n, height·width·channels], transforms [n, 3] or [n, 7], as {@linkcode augment} says. */
export const augmentOp: RegisteredOp<Attributes> = {
  name: "augment",
  memory: "value",
  infer([x, transforms], { height, width, channels }) {
    expectShape("augment", "x", x, [x.shape[0], height * width * channels]);
    const columns = transforms.shape[1] === 7 ? 7 : 3;
    expectShape("augment", "transforms", transforms, [x.shape[0], columns]);
    return [f32(x.shape)];
  },
  lower({ inputs: [x, transforms], outputs: [y], attributes }, emit) {
    const { height, width, channels } = attributes;
    const [n, columns] = transforms.shape;
    emit.call(kernel, {}, { n, height, width, channels, columns }, [x, transforms, y]);
  },
  gradient: { none: "images are data; stop the gradient before augmenting" },
  examples: [],
};

/**
 * Resamples images, bilinear with the nearest edge pixel outside: output pixel o reads the input at
 * R(θ)(I + E)(o − c + t) + c, c the centre.
 * @param x [n, height·width·channels], the channels of a pixel side by side.
 * @param transforms [n, 3]: θ in radians, row and column shift in pixels; of all channels. Or [n, 7]:
 *   the entries of E, row by row, behind them; E = 0 otherwise.
 */
export function augment(
  x: Tensor,
  transforms: Tensor,
  height: number,
  width: number,
  channels = 1,
): Tensor {
  return apply(augmentOp, [x, transforms], { height, width, channels })[0];
}
