/** Affine resampling of images: rotation, shift and, where it is wanted, any linear map beside them. */
import { output, uniform, values } from "./case_buffers.ts";
import { groupsOf, type KernelCase, UNIT_ROUNDOFF } from "./kernel.ts";
import source from "./augment.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

/** Largest shift, in pixels, and entry of E, of the cases with random transforms. */
const LARGEST_SHIFT = 3;
/** Columns of t without and with E, and what E is without. */
const RIGID = 3;
const LINEAR = 7;
const NO_MAP = [0, 0, 0, 0];

function example(
  name: string,
  n: number,
  height: number,
  width: number,
  channels = 1,
  columns: number = RIGID,
): KernelCase {
  const length = n * height * width * channels;
  return {
    name,
    params: { n, height, width, channels, columns },
    constants: {},
    buffers: [
      uniform(length, 0, 1),
      uniform(columns * n, -LARGEST_SHIFT, LARGEST_SHIFT),
      output(length),
    ],
  };
}

function exampleOf(
  name: string,
  height: number,
  width: number,
  transforms: readonly number[],
  channels = 1,
  columns: number = RIGID,
): KernelCase {
  const n = transforms.length / columns;
  const random = example(name, n, height, width, channels, columns);
  return { ...random, buffers: [random.buffers[0], values(transforms), random.buffers[2]] };
}

/**
 * y_i = x_i resampled once, bilinearly, by the transform t_i = (θ, shift of rows, shift of columns),
 * in radians and pixels, or (…, E_00, E_01, E_10, E_11), with E = 0 where it is not given: the value
 * at the output pixel o = (row, column) is that of the input at
 *
 *     R(θ)(I + E)(o − c + t) + c,   R(θ) = (cos θ, −sin θ; sin θ, cos θ),
 *
 * with coordinates outside the image clamped to its edge (the order of operations and the nearest
 * edge of Keras' ImageDataGenerator). The centre is c = ((height − 1)/2, (width − 1)/2), as in
 * Keras today; Keras-Preprocessing 1.1.0 rotated about (height/2 + ½, width/2 + ½), one pixel off
 * in both directions, which adds a shift of 2√2 |sin(θ/2)| pixels.
 *
 * in every channel alike. x, y: `[n, height · width · channels]`, the channels of a pixel side by
 * side; t: `[n, columns]`, columns 3 or 7. |θ| ≤ π in the shader.
 */
export const augment: RegisteredKernel = {
  name: "augment",
  bindings: [
    { name: "x", type: "f32", access: "read" },
    { name: "t", type: "f32", access: "read" },
    { name: "y", type: "f32", access: "write" },
  ],
  params: [
    { name: "n", type: "u32" },
    { name: "height", type: "u32" },
    { name: "width", type: "u32" },
    { name: "channels", type: "u32" },
    { name: "columns", type: "u32" },
  ],
  constants: {},
  shaders: [{
    file: "augment.wgsl",
    source,
    workgroups: ({ n, height, width }) => groupsOf(n * height * width, 64),
  }],
  lengths({ n, height, width, channels, columns }) {
    const length = n * height * width * channels;
    return [length, columns * n, length];
  },
  extent: ({ n }) => n,
  reference([x, t, y], { height, width, channels, columns }, _constants, begin, end) {
    const centreRow = (height - 1) / 2, centreColumn = (width - 1) / 2;
    const lastRow = height - 1, lastColumn = width - 1;
    for (let i = begin; i < end; i++) {
      const at = columns * i;
      const cos = Math.cos(t[at]), sin = Math.sin(t[at]);
      const shiftRow = t[at + 1] - centreRow, shiftColumn = t[at + 2] - centreColumn;
      const [e00, e01, e10, e11] = columns === LINEAR ? t.slice(at + RIGID, at + LINEAR) : NO_MAP;
      const image = i * height * width;
      let target = image * channels;
      for (let row = 0; row < height; row++) {
        for (let column = 0; column < width; column++) {
          const moved = row + shiftRow, across = column + shiftColumn;
          const u = moved + (e00 * moved + e01 * across);
          const v = across + (e10 * moved + e11 * across);
          let r = cos * u - sin * v + centreRow;
          let c = sin * u + cos * v + centreColumn;
          r = r < 0 ? 0 : r > lastRow ? lastRow : r;
          c = c < 0 ? 0 : c > lastColumn ? lastColumn : c;
          const r0 = r | 0, c0 = c | 0;
          const fr = r - r0, fc = c - c0;
          const corner = (image + r0 * width + c0) * channels;
          const down = r0 < lastRow ? width * channels : 0;
          const right = c0 < lastColumn ? channels : 0;
          for (let at = corner; at < corner + channels; at++) {
            const top = x[at] * (1 - fc) + x[at + right] * fc;
            const bottom = x[at + down] * (1 - fc) + x[at + down + right] * fc;
            y[target++] = top * (1 - fr) + bottom * fr;
          }
        }
      }
    }
  },
  cases: () => [
    example("1 image of 1×1", 1, 1, 1),
    example("no image", 0, 8, 8),
    exampleOf("identity, 5×7", 5, 7, [0, 0, 0]),
    exampleOf("whole shifts, 6×5", 6, 5, [0, 2, -1, 0, -3, 2, 0, 40, -40]),
    exampleOf("quarter turns, 9×9", 9, 9, [Math.PI / 2, 0, 0, -Math.PI / 2, 0, 0, Math.PI, 0, 0]),
    exampleOf("octant edges, 16×16", 16, 16, [
      ...[Math.PI / 4, 0.5, 0.25],
      ...[-0.75 * Math.PI, -0.5, 1.5],
      ...[-Math.PI, 2.5, 0.125],
      ...[1e-6, 0, 0],
    ]),
    example("13 images of 1×11", 13, 1, 11),
    example("7 images of 11×13", 7, 11, 13),
    example("65 images of 28×28", 65, 28, 28),
    example("1 colour image of 1×1", 1, 1, 1, 3),
    exampleOf("colour, quarter turns and shifts, 7×5", 7, 5, [
      ...[0, 0, 0],
      ...[Math.PI / 2, 0, 0],
      ...[-Math.PI, 1.5, -0.25],
      ...[0, 40, -40],
    ], 3),
    example("5 images of 9×6 with two channels", 5, 9, 6, 2),
    example("33 colour images of 32×32", 33, 32, 32, 3),
    exampleOf(
      "half as large, twice as large, sheared, 9×10",
      9,
      10,
      [
        ...[0, 0, 0, 1, 0, 0, 1],
        ...[0, 0, 0, -0.5, 0, 0, -0.5],
        ...[0.25, 1, -0.5, 0, 0.5, 0, 0],
        ...[-1, 0, 0.25, 0.125, -0.25, 0.25, -0.125],
      ],
      1,
      LINEAR,
    ),
    example("9 images of 16×16 under linear maps", 9, 16, 16, 1, LINEAR),
    example("3 colour images of 8×12 under linear maps", 3, 8, 12, 3, LINEAR),
  ],
  /**
   * In float32 the input coordinates are off by at most 24 u M, with u = 2⁻²⁴ and M a bound on
   * |o − c + t|: the shader's sine and cosine are within 8 u, twice; adding the shift, the products
   * and the sums add 8 u M. Under E of entries of at most e, M is (1 + 2e) times as large, and its
   * four products and sums add 6 u M. Bilinear values of pixels in [0, 1) move by at most 1 per pixel in
   * either direction, and the interpolation itself rounds by at most 8 u.
   */
  tolerance({ params: { height, width, columns }, buffers }) {
    const fill = buffers[1].fill;
    const shift = fill?.kind === "values"
      ? Array.from(fill.values).reduce((most, value) => Math.max(most, Math.abs(value)), 0)
      : LARGEST_SHIFT;
    const reach = (height + width + 2 * shift) * (columns === LINEAR ? 1 + 2 * shift : 1);
    return { absolute: (60 * reach + 8) * UNIT_ROUNDOFF, relative: 0 };
  },
  cost: ({ n, height, width, channels, columns }) => ({
    flops: (48 + 12 * channels) * n * height * width,
    bytes: 4 * n * (2 * height * width * channels + columns),
  }),
};
