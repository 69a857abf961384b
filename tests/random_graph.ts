/** Random differentiable graphs over a few variables, for properties of gradients and plans. */
import fc from "fast-check";
import { add, div, maximum, minimum, mul, sub } from "../engine/ops/binary.ts";
import { broadcastTo, mean, sum } from "../engine/ops/sum.ts";
import { dense } from "../engine/ops/dense.ts";
import { interpolate, interpolateReversed } from "../engine/ops/interpolate.ts";
import { reshape, stopGradient } from "../engine/ops/reshape.ts";
import { meanSquaredError } from "../engine/ops/squared_error.ts";
import { affine } from "../engine/ops/affine.ts";
import { cos, exp, relu, sigmoid, sin, square, tanh } from "../engine/ops/unary.ts";
import { RandomStream } from "../engine/random.ts";
import { type Shape, sizeOf } from "../engine/shape.ts";
import type { State } from "../engine/state.ts";
import type { Tensor, Variable } from "../engine/tensor.ts";

/** The variables that every graph starts from. */
export interface Leaves {
  /** [rows, 3] */
  readonly x: Variable;
  /** [3, 3] */
  readonly w: Variable;
  /** [3] */
  readonly b: Variable;
  /** [rows], in [0, 1) */
  readonly t: Variable;
}

/** One node: which op, and which two of the matrices made before. */
export interface Choice {
  readonly op: number;
  readonly left: number;
  readonly right: number;
}

/** Makes the leaves with random values; `rows` is even. */
export function makeLeaves(state: State, seed: number, rows = 4): Leaves {
  const random = new RandomStream(seed, 99);
  const make = (name: string, shape: Shape, low: number) =>
    state.variable(name, shape, {
      data: Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(low, 1)),
    });
  return {
    x: make("x", [rows, 3], -1),
    w: make("w", [3, 3], -1),
    b: make("b", [3], -1),
    t: make("t", [rows], 0),
  };
}

type Make = (a: Tensor, b: Tensor, leaves: Leaves) => Tensor;

/** Each maps matrices [rows, 3] to one, and keeps magnitudes near 1. */
const SMOOTH: readonly Make[] = [
  (a, b) => affine(add(a, b), 0.5, 0),
  (a, b) => sub(tanh(a), b),
  (a, b) => mul(sin(a), b),
  (a, b) => div(a, affine(square(b), 1, 1)),
  (a, _b, { w, b }) => tanh(dense(a, w, b)),
  (a, _b, { w }) => dense(sigmoid(a), w),
  (a) => cos(a),
  (a) => exp(affine(square(a), -1, 0)),
  (a, b) => mul(a, reshape(mean(b, 1, 2), [b.shape[0], 1])),
  (a, b) => mul(a, broadcastTo(mean(b, 0, 1), a.shape)),
  (a, _b, { b }) => add(a, b),
  (a) => reshape(tanh(reshape(a, [a.shape[0] / 2, 6])), a.shape),
  (a, _b, { t }) => interpolateReversed(a, t),
  (a, b, { t }) => interpolate(a, b, t),
  (a, b) => mul(a, meanSquaredError(a, b)),
];

/** Those too that finite differences cannot judge: with kinks, or stopping the gradient. */
const ALL: readonly Make[] = [
  ...SMOOTH,
  (a, _b, { w, b }) => relu(dense(a, w, b)),
  (a, _b, { w }) => relu(dense(a, w)),
  (a) => relu(a),
  (a, b) => maximum(a, b),
  (a, b) => minimum(a, b),
  (a, b) => add(a, stopGradient(b)),
];

/** Choices of a graph of at most `most` nodes. */
export function graphs(most: number): fc.Arbitrary<Choice[]> {
  const choice = fc.record({ op: fc.nat(1000), left: fc.nat(1000), right: fc.nat(1000) });
  return fc.array(choice, { minLength: 1, maxLength: most });
}

/** The matrices [rows, 3] that the choices make, in order. */
export function buildGraph(choices: readonly Choice[], leaves: Leaves, smooth = false): Tensor[] {
  const ops = smooth ? SMOOTH : ALL;
  // The first mixes all leaves, so that nothing depends on none of them.
  const made: Tensor[] = [tanh(dense(interpolateReversed(leaves.x, leaves.t), leaves.w, leaves.b))];
  for (const { op, left, right } of choices) {
    made.push(ops[op % ops.length](made[left % made.length], made[right % made.length], leaves));
  }
  return made;
}

/** A scalar that depends on every matrix of a graph. */
export function scalarOf(matrices: readonly Tensor[]): Tensor {
  return matrices.map((matrix, i) => sum(affine(matrix, 1 / (i + 1), 0))).reduce(add);
}
