/** Convolutions, which the engine makes of patches, as ONNX's own; images are channels last here. */
import type { denseInputGradientOp, denseOp } from "../../engine/ops/dense.ts";
import type { foldOp, unfoldOp } from "../../engine/ops/patches.ts";
import type { Node, Op } from "../../engine/tensor/tensor.ts";
import { patchesAlong } from "../../kernels/patches.ts";
import type { Stored, Translation } from "./translation.ts";

/** The nodes of an op. */
type NodeOf<O> = O extends Op<infer A> ? Node<A> : never;

/** Axes of [n, h, w, c] as ONNX has them, and back. */
const TO_FRONT = [0, 3, 1, 2];
const TO_BACK = [0, 2, 3, 1];

/** A convolution: the product of patches with a weight is rows of its pixels, [n·oh·ow, f]. */
export function convolution(
  { inputs: [, weight, bias], outputs: [y] }: NodeOf<typeof denseOp>,
  { inputs: [images], attributes: { k, stride, padding } }: NodeOf<typeof unfoldOp>,
  to: Translation,
): string {
  const { graph } = to;
  const c = images.shape[3];
  const kernel = weights(to.stored(weight), k, c, to);
  const x = graph.node("Transpose", [to.name(images)], { perm: TO_FRONT });
  const inputs = bias ? [x, kernel, to.name(bias)] : [x, kernel];
  const pixels = graph.node("Conv", inputs, { ...geometry(k, stride, padding) });
  const back = graph.node("Transpose", [pixels], { perm: TO_BACK });
  return graph.node("Reshape", [back, graph.integers(-1, y.shape[1])]);
}

/** A transposed convolution: patches made of pixels by a weight, and folded to images. */
export function transposedConvolution(
  { inputs: [, bias], attributes: { k, stride, padding, shape } }: NodeOf<typeof foldOp>,
  { inputs: [pixels, weight] }: NodeOf<typeof denseInputGradientOp>,
  to: Translation,
): string {
  const { graph } = to;
  const [, height, width, c] = shape;
  const sides = [height, width].map((size) => patchesAlong(size, k, stride, padding));
  const kernel = weights(to.stored(weight), k, c, to);
  const rows = graph.integers(-1, ...sides, pixels.shape[1]);
  const images = graph.node("Reshape", [to.name(pixels), rows]);
  const x = graph.node("Transpose", [images], { perm: TO_FRONT });
  // Pixels that no whole patch reaches.
  const rest = [height, width].map((size, i) => size - ((sides[i] - 1) * stride + k - 2 * padding));
  const inputs = bias ? [x, kernel, to.name(bias)] : [x, kernel];
  const attributes = { ...geometry(k, stride, padding), output_padding: rest };
  const y = graph.node("ConvTranspose", inputs, attributes);
  return graph.node("Transpose", [y], { perm: TO_BACK });
}

function geometry(k: number, stride: number, padding: number) {
  return {
    kernel_shape: [k, k],
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
  };
}

/** A weight [k·k·c, f] as ONNX has it, [f, c, k, k]. @returns The constant's name. */
function weights({ data, shape: [, f] }: Stored, k: number, c: number, { graph }: Translation) {
  const moved = new Float32Array(data.length);
  data.forEach((value, i) => {
    const [pixel, a, unit] = [Math.floor(i / (c * f)), Math.floor(i / f) % c, i % f];
    moved[(unit * c + a) * k * k + pixel] = value;
  });
  return graph.constant(moved, [f, c, k, k]);
}
