/** Patches of images as rows, and their sum: what makes a convolution a matrix product. */
import { fold as foldKernel } from "../../kernels/fold.ts";
import { patchesAlong } from "../../kernels/patches.ts";
import { unfold as unfoldKernel } from "../../kernels/unfold.ts";
import { apply, expectRank, expectShape, f32 } from "../tensor/op.ts";
import { formatShape, type Shape, sizeOf } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { RegisteredOp } from "./registered.ts";
import { reshape } from "./reshape.ts";
import { sum } from "./sum.ts";

/** Where the patches of an image lie. */
export interface PatchOptions {
  /** Rows and columns of pixels from one patch to the next. Default 1. */
  readonly stride?: number;
  /** Rows and columns of zeros around the image; fewer than a patch has. Default 0. */
  readonly padding?: number;
}

/** What patches of an image are. */
export interface Attributes extends Required<PatchOptions> {
  /** Rows and columns of a patch. */
  readonly k: number;
}

/** The images that patches are folded to. */
export interface FoldAttributes extends Attributes {
  /** [n, h, w, c] */
  readonly shape: Shape;
}

/**
 * Rows and columns of patches of images [n, h, w, c].
 * @throws {RangeError} where the options are out of range, or not one patch fits.
 */
function placesOf(
  op: string,
  [, h, w]: Shape,
  { k, stride, padding }: Attributes,
): [number, number] {
  const whole = (name: string, value: number, least: number) => {
    if (Number.isInteger(value) && value >= least) return;
    throw new RangeError(`${op}: ${name} must be an integer ≥ ${least}, got ${value}`);
  };
  whole("the size of a patch", k, 1);
  whole("stride", stride, 1);
  whole("padding", padding, 0);
  if (padding >= k) {
    throw new RangeError(
      `${op}: padding must be less than the ${k} pixels of a patch's side, got ${padding}`,
    );
  }
  const places = [h, w].map((size) => patchesAlong(size, k, stride, padding));
  if (places.some((count) => count < 1)) {
    throw new RangeError(
      `${op}: patches of ${k}×${k} pixels do not fit images of ${h}×${w} with padding ${padding}`,
    );
  }
  return places as [number, number];
}

/** The kernels' parameters. */
function patchParams(shape: Shape, { k, stride, padding }: Attributes) {
  const [n, h, w, c] = shape;
  const [oh, ow] = [h, w].map((size) => patchesAlong(size, k, stride, padding));
  return { n, h, w, c, k, stride, padding, oh, ow };
}

/** x [n, h, w, c] -> y [n·oh·ow, k·k·c]. */
export const unfoldOp: RegisteredOp<Attributes> = {
  name: "unfold",
  memory: "value",
  infer([x], attributes) {
    expectRank("unfold", "x", x, 4);
    const [n, , , c] = x.shape;
    const [oh, ow] = placesOf("unfold", x.shape, attributes);
    return [f32([n * oh * ow, attributes.k ** 2 * c])];
  },
  lower({ inputs: [x], outputs: [y], attributes }, emit) {
    emit.call(unfoldKernel, {}, patchParams(x.shape, attributes), [x, y]);
  },
  gradient: (
    { inputs: [x], attributes: { k, ...options } },
    [g],
  ) => [fold(g!, x.shape, k, options)],
  examples: [
    { name: "stride 1", inputs: [{ shape: [2, 4, 3, 2] }], attributes: options(3, 1, 1) },
    { name: "stride 2", inputs: [{ shape: [1, 5, 6, 1] }], attributes: options(2, 2, 0) },
    { name: "stride 3", inputs: [{ shape: [1, 5, 6, 2] }], attributes: options(4, 3, 2) },
  ],
};

/** y [n·oh·ow, k·k·c], and b [c] or none -> x [n, h, w, c]. */
export const foldOp: RegisteredOp<FoldAttributes> = {
  name: "fold",
  memory: "value",
  infer([y, b], attributes) {
    const { shape, k } = attributes;
    const [n, , , c] = shape;
    const [oh, ow] = placesOf("fold", shape, attributes);
    expectShape("fold", `the patches of images ${formatShape(shape)}`, y, [
      n * oh * ow,
      k ** 2 * c,
    ]);
    if (b) expectShape("fold", "b", b, [c]);
    return [f32(shape)];
  },
  lower({ inputs: [y, b], outputs: [x], attributes }, emit) {
    const params = patchParams(attributes.shape, attributes);
    emit.call(foldKernel, { USE_BIAS: b ? 1 : 0 }, params, [y, b ?? emit.scratch([1]), x]);
  },
  gradient({ attributes: { k, shape, ...options } }, [g], needed) {
    const c = shape[3];
    return [
      needed[0] ? unfold(g!, k, options) : undefined,
      needed[1] ? sum(reshape(g!, [sizeOf(shape) / c, c]), 0, 1) : undefined,
    ];
  },
  examples: [
    {
      name: "stride 1",
      inputs: [{ shape: [24, 18] }],
      attributes: { ...options(3, 1, 1), shape: [2, 4, 3, 2] },
    },
    {
      name: "stride 2, bias",
      inputs: [{ shape: [6, 12] }, { shape: [3] }],
      attributes: { ...options(2, 2, 0), shape: [1, 5, 6, 3] },
    },
  ],
};

function options(k: number, stride: number, padding: number): Attributes {
  return { k, stride, padding };
}

/**
 * The k × k patches of images as rows: row (i, py, px), column (ky, kx, a) is the pixel
 * x[i, py·stride + ky − padding, px·stride + kx − padding, a], 0 outside of the image.
 * @param x [n, h, w, c]
 * @returns [n·oh·ow, k·k·c] with oh = ⌊(h + 2·padding − k) / stride⌋ + 1, and ow alike.
 * @throws {RangeError} where options are out of range or no patch fits.
 */
export function unfold(
  x: Tensor,
  k: number,
  { stride = 1, padding = 0 }: PatchOptions = {},
): Tensor {
  return apply(unfoldOp, [x], { k, stride, padding })[0];
}

/**
 * Images whose every pixel is the sum of what patches hold for it: the adjoint of {@linkcode unfold}.
 * @param y [n·oh·ow, k·k·c]. @param shape [n, h, w, c], the images'. @param b [c], added to every
 *   pixel, or none.
 * @returns [n, h, w, c]
 * @throws {RangeError} where y is not of as many patches as the images have.
 */
export function fold(
  y: Tensor,
  shape: Shape,
  k: number,
  { stride = 1, padding = 0 }: PatchOptions = {},
  b?: Tensor,
): Tensor {
  return apply(foldOp, b ? [y, b] : [y], { k, stride, padding, shape })[0];
}
