/** a·x + b for numbers a and b, which gradients scale, negate and complement with. */
import { apply, isOf } from "../tensor/op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { constant, constantValue } from "./constant.ts";
import { emitUnary } from "./elementwise.ts";
import type { RegisteredOp } from "./registered.ts";

/** The numbers of the affine map. */
export interface Attributes {
  readonly a: number;
  readonly b: number;
}

/** y = a·x + b, element by element. */
export const affineOp: RegisteredOp<Attributes> = {
  name: "affine",
  memory: "value",
  infer([x]) {
    if (x.dtype !== "f32") throw new TypeError(`affine: the tensor must be f32, got ${x}`);
    return [x];
  },
  lower: ({ inputs: [x], outputs: [y], attributes }, emit) =>
    emitUnary(emit, "affine", x, y, attributes),
  gradient: ({ attributes: { a } }, [g]) => [affine(g!, a, 0)],
  rowInputs: () => [0],
  examples: [{
    name: "matrix",
    inputs: [{ shape: [3, 5], low: -2, high: 2 }],
    attributes: { a: -1.5, b: 0.25 },
  }],
};

/** a·x + b for numbers a and b; folded where x is a constant or itself affine. */
export function affine(x: Tensor, a: number, b: number): Tensor {
  const value = constantValue(x);
  if (value !== undefined) return constant(a * value + b);
  if (a === 1 && b === 0) return x;
  const inner = affineParts(x);
  if (inner) return affine(inner.x, a * inner.a, a * inner.b + b);
  return apply(affineOp, [x], { a, b })[0];
}

/** Of a tensor made as a·x + b: its parts; else undefined. */
export function affineParts({ node }: Tensor): { x: Tensor; a: number; b: number } | undefined {
  return isOf(node, affineOp) ? { x: node.inputs[0], ...node.attributes } : undefined;
}

/** x·`factor`. */
export function scale(x: Tensor, factor: number): Tensor {
  return affine(x, factor, 0);
}

/** −x. */
export function negate(x: Tensor): Tensor {
  return affine(x, -1, 0);
}
