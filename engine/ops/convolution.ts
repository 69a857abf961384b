/**
 * Convolutions of images, channels last, as products of their patches: the tiles, the fused biases and
 * the gradients of the dense layer serve here too. The patches are written out: k²/stride² times the
 * images, in one binding.
 */
import { patchesAlong } from "../../kernels/patches.ts";
import { expectRank } from "../tensor/op.ts";
import { formatShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { dense, denseInputGradient } from "./dense.ts";
import { fold, type PatchOptions, unfold } from "./patches.ts";
import { reshape } from "./reshape.ts";

/** Options of {@linkcode transposedConvolution}. */
export interface TransposedOptions extends PatchOptions {
  /**
   * Height and width of the result. A convolution takes as many sizes as its stride to one; of those
   * the smallest by default, (h − 1)·stride − 2·padding + k.
   */
  readonly size?: readonly [height: number, width: number];
}

/**
 * y[i, py, px, f] = b[f] + Σ x[i, py·stride + ky − padding, px·stride + kx − padding, a]·w[ky, kx, a, f]
 * over ky, kx and a, pixels outside of the image being 0.
 * @param x [n, h, w, c]. @param w [k, k, c, f]. @param b [f], or none.
 * @returns [n, oh, ow, f] with oh = ⌊(h + 2·padding − k) / stride⌋ + 1, and ow alike.
 * @throws {RangeError} naming the shapes that do not fit.
 */
export function convolution(x: Tensor, w: Tensor, b?: Tensor, options: PatchOptions = {}): Tensor {
  const { k, c, f } = kernelSizes("convolution", x, w, "c");
  const { stride = 1, padding = 0 } = options;
  const patches = unfold(x, k, options);
  const [n, ...sides] = x.shape.slice(0, 3);
  const [oh, ow] = sides.map((size) => patchesAlong(size, k, stride, padding));
  return reshape(dense(patches, reshape(w, [k * k * c, f]), b), [n, oh, ow, f]);
}

/**
 * The transposed convolution: what the gradient of a convolution by its input does, from few pixels of
 * f channels to many of c.
 * @param x [n, h, w, f]. @param w [k, k, c, f], as of the convolution. @param b [c], or none.
 * @returns [n, height, width, c]
 * @throws {RangeError} naming the shapes that do not fit, or a size that the convolution would not
 *   take to x's.
 */
export function transposedConvolution(
  x: Tensor,
  w: Tensor,
  b?: Tensor,
  { size, ...options }: TransposedOptions = {},
): Tensor {
  const { k, c, f } = kernelSizes("transposedConvolution", x, w, "f");
  const { stride = 1, padding = 0 } = options;
  const [n, ...sides] = x.shape.slice(0, 3);
  const [height, width] = size ?? sides.map((side) => (side - 1) * stride - 2 * padding + k);
  const pixels = reshape(x, [n * sides[0] * sides[1], f]);
  const patches = denseInputGradient(pixels, reshape(w, [k * k * c, f]));
  return fold(patches, [n, height, width, c], k, options, b);
}

/** Sizes of w [k, k, c, f], whose `channels` must be x's. */
function kernelSizes(
  op: string,
  x: Tensor,
  w: Tensor,
  channels: "c" | "f",
): { readonly k: number; readonly c: number; readonly f: number } {
  expectRank(op, "x", x, 4);
  expectRank(op, "w", w, 4);
  const [k, columns, c, f] = w.shape;
  const wanted = x.shape[3];
  if (k !== columns || (channels === "c" ? c : f) !== wanted) {
    throw new RangeError(
      `${op}: w must be [k, k, c, f] with ${channels} = ${wanted}, the channels of ` +
        `x ${formatShape(x.shape)}; got ${formatShape(w.shape)}`,
    );
  }
  return { k, c, f };
}
