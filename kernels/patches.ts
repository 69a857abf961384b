/**
 * What `unfold` and `fold` share: images [n, h, w, c], channels last, and their patches as rows, so
 * that a convolution is a matrix product. Patch (py, px) of an image begins at row py·stride − padding
 * and column px·stride − padding; pixels outside the image are 0.
 */
import { integers, output, uniform } from "./case_buffers.ts";
import type { CaseBuffer, Parameter, Params } from "./kernel.ts";

/** Fields of both kernels' parameters: images, patches of k × k pixels, and oh × ow places of them. */
export const PATCH_PARAMETERS: readonly Parameter[] = [
  "n",
  "h",
  "w",
  "c",
  "k",
  "stride",
  "padding",
  "oh",
  "ow",
].map((name) => ({ name, type: "u32" }));

/** Places of patches of k pixels along an axis of `size` pixels. */
export function patchesAlong(size: number, k: number, stride: number, padding: number): number {
  return Math.floor((size + 2 * padding - k) / stride) + 1;
}

/** Elements of the images, and of the rows of patches. */
export function patchLengths(
  { n, h, w, c, k, oh, ow }: Params,
): { readonly images: number; readonly patches: number } {
  return { images: n * h * w * c, patches: n * oh * ow * k * k * c };
}

/** What a case is about. */
export interface PatchCase {
  /** Of the case in the audit's table. */
  readonly name: string;
  /** Of the call. */
  readonly params: Params;
  /** What holds the input. */
  readonly images: CaseBuffer;
  /** What holds the input. */
  readonly patches: CaseBuffer;
}

/** Odd sizes, strides of 1 to 3, paddings of 0 to 2, channels from 1 to 50. */
export function patchCases(): PatchCase[] {
  return [
    patchCase([1, 1, 1, 1], 1, 1, 0),
    patchCase([2, 3, 5, 1], 2, 1, 0),
    patchCase([1, 4, 3, 2], 3, 1, 1),
    patchCase([3, 7, 5, 3], 3, 2, 1, true),
    patchCase([2, 6, 7, 5], 4, 2, 0),
    patchCase([2, 1, 2, 4], 5, 2, 2),
    patchCase([1, 9, 8, 7], 2, 3, 1, true),
    patchCase([0, 8, 8, 3], 3, 1, 1),
    patchCase([2, 8, 8, 16], 4, 2, 1),
    patchCase([5, 28, 28, 1], 4, 2, 0),
    patchCase([3, 13, 13, 50], 5, 2, 2),
    patchCase([2, 5, 11, 33], 1, 1, 0),
  ];
}

function patchCase(
  [n, h, w, c]: readonly [n: number, h: number, w: number, c: number],
  k: number,
  stride: number,
  padding: number,
  whole = false,
): PatchCase {
  const oh = patchesAlong(h, k, stride, padding);
  const ow = patchesAlong(w, k, stride, padding);
  const params = { n, h, w, c, k, stride, padding, oh, ow };
  const { images, patches } = patchLengths(params);
  const fill = (length: number) => whole ? integers(length, -9, 9) : uniform(length);
  return {
    name: `${n}×${h}×${w}×${c}, ${k}×${k}, stride ${stride}, padding ${padding}` +
      (whole ? ", integers" : ""),
    params,
    images: fill(images),
    patches: fill(patches),
  };
}

/** A case's buffer as an output, which starts poisoned. */
export function poisoned({ length }: CaseBuffer): CaseBuffer {
  return output(length);
}
