/** Values side by side in one array, and parts of an array as values. */
import { apply, f32, type None } from "../tensor/op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { RegisteredOp } from "./registered.ts";

/** Where the values lie. */
export interface PackAttributes {
  /** Element offset of each input. */
  readonly offsets: readonly number[];
  readonly length: number;
}

/** Places tensors at offsets of one array; gaps hold zeros. */
export const packOp: RegisteredOp<PackAttributes> = {
  name: "pack",
  memory: "pack",
  infer: (_inputs, { length }) => [f32([length])],
  offsets: ({ attributes }) => attributes.offsets,
  gaps: true,
  gradient: { none: "it prepares an update" },
  examples: [],
};

/** `tensors[i]` at `offsets[i]` of one array of `length` elements. */
export function pack(
  tensors: readonly Tensor[],
  offsets: readonly number[],
  length: number,
): Tensor {
  return apply(packOp, tensors, { offsets, length })[0];
}

/** The rows of two tensors, one after the other. */
export const stackOp: RegisteredOp<None> = {
  name: "stack",
  memory: "pack",
  infer: ([a, b]) => [f32([a.shape[0] + b.shape[0], ...a.shape.slice(1)])],
  offsets: ({ inputs: [a] }) => [0, a.size],
  gaps: false,
  gradient: { none: "stacking follows differentiation" },
  examples: [],
};

/** The rows of a stack as two tensors, of which the first has `rows`. */
export const unstackOp: RegisteredOp<{ rows: number }> = {
  name: "unstack",
  memory: "unpack",
  infer([stack], { rows }) {
    const [all, ...rest] = stack.shape;
    return [f32([rows, ...rest]), f32([all - rows, ...rest])];
  },
  offsets: ({ outputs: [a] }) => [0, a.size],
  gradient: { none: "stacking follows differentiation" },
  examples: [],
};
