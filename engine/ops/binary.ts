/** Element-wise functions of two tensors, with broadcasting. */
import { BINARY, binary as kernel } from "../../kernels/binary.ts";
import type { Example, Op } from "../op.ts";
import { broadcastShapes, broadcastStrides, type Shape } from "../shape.ts";
import { apply, f32, type Tensor } from "../tensor.ts";
import { uniformValue } from "./broadcast.ts";
import { constant, constantValue } from "./constant.ts";
import { sumTo } from "./sum.ts";
import { affine, negate, sigmoid, square } from "./unary.ts";

/** Functions of two arguments that the kernel knows. */
export type BinaryName = keyof typeof BINARY;

interface Attributes {
  readonly kind: BinaryName;
}

type Pair = readonly [Tensor | undefined, Tensor | undefined];
type Rule = (a: Tensor, b: Tensor, g: Tensor, needed: readonly boolean[]) => Pair;

const when = (needed: boolean, make: () => Tensor) => needed ? make() : undefined;

/** (∂L/∂a, ∂L/∂b) before summing over broadcast axes: a missing rule is a type error. */
const RULES: Record<BinaryName, Rule> = {
  add: (_a, _b, g) => [g, g],
  sub: (_a, _b, g, [, b]) => [g, when(b, () => negate(g))],
  mul: (a, b, g, need) => [when(need[0], () => mul(g, b)), when(need[1], () => mul(g, a))],
  div: (a, b, g, need) => [
    when(need[0], () => div(g, b)),
    when(need[1], () => negate(div(mul(g, a), square(b)))),
  ],
  // At a tie the gradient goes to the first operand, whole.
  max: (a, b, g, need) => [
    when(need[0], () => mul(g, greaterEqual(a, b))),
    when(need[1], () => mul(g, greater(b, a))),
  ],
  min: (a, b, g, need) => [
    when(need[0], () => mul(g, greaterEqual(b, a))),
    when(need[1], () => mul(g, greater(a, b))),
  ],
  reluGradient: (_a, b, g) => [reluGradient(g, b), undefined],
  greater: () => [undefined, undefined],
  greaterEqual: () => [undefined, undefined],
  binaryCrossEntropyWithLogits: (a, b, g, need) => [
    when(need[0], () => mul(g, sub(sigmoid(a), b))),
    when(need[1], () => negate(mul(g, a))),
  ],
};

const SHAPES: readonly (readonly [Shape, Shape])[] = [
  [[3, 4], [3, 4]],
  [[3, 4], [4]],
  [[3, 1], [3, 4]],
  [[2, 3, 4], [3, 1]],
  [[], [2, 3]],
];

function examples(kind: BinaryName): Example<Attributes>[] {
  if (kind === "greater" || kind === "greaterEqual") return [];
  return SHAPES.map(([a, b], i) => ({
    name: `${kind} ${i}`,
    inputs: [
      { shape: a, low: -2, high: 2 },
      // Divisors keep away from 0, masks from their kink, operands of max and min from ties.
      kind === "max" || kind === "min"
        ? { shape: b, low: 2.5 * (i % 2) - 3, high: 2.5 * (i % 2) - 2.1 }
        : { shape: b, low: kind === "div" ? 0.4 : -2, high: 2, fixed: kind === "reluGradient" },
    ],
    attributes: { kind },
  }));
}

/** y = f(a, b), element by element over the broadcast shape of up to four axes. */
export const binaryOp: Op<Attributes> = {
  name: "binary",
  infer([a, b], { kind }) {
    if (a.dtype !== "f32" || b.dtype !== "f32") {
      throw new TypeError(`${kind}: both tensors must be f32, got ${a} and ${b}`);
    }
    const shape = broadcastShapes(a.shape, b.shape, kind);
    if (shape.length > 4) {
      throw new RangeError(`${kind}: at most 4 axes, got ${a} and ${b}`);
    }
    return [f32(shape)];
  },
  lower({ inputs: [a, b], outputs: [y], attributes: { kind } }, emit) {
    const four = <T>(
      list: readonly T[],
      fill: T,
    ) => [...Array(4 - list.length).fill(fill), ...list];
    const [s0, s1, s2, s3] = four(y.shape, 1);
    const [a0, a1, a2, a3] = four(broadcastStrides(a.shape, y.shape), 0);
    const [b0, b1, b2, b3] = four(broadcastStrides(b.shape, y.shape), 0);
    const params = { n: y.size, s0, s1, s2, s3, a0, a1, a2, a3, b0, b1, b2, b3 };
    emit.call(kernel, { OP: BINARY[kind] }, params, [a, b, y]);
  },
  gradient({ inputs: [a, b], attributes: { kind } }, [g], needed) {
    const [ga, gb] = RULES[kind](a, b, g!, needed);
    return [
      needed[0] && ga ? sumTo(ga, a.shape) : undefined,
      needed[1] && gb ? sumTo(gb, b.shape) : undefined,
    ];
  },
  examples: (Object.keys(BINARY) as BinaryName[]).flatMap(examples),
};

function make(kind: BinaryName): (a: Tensor, b: Tensor) => Tensor {
  return (a, b) => apply(binaryOp, [a, b], { kind })[0];
}

const addTensors = make("add");
const mulTensors = make("mul");

/** a + b, broadcast. A constant operand is folded. */
export function add(a: Tensor, b: Tensor): Tensor {
  const [x, y] = [constantValue(a), constantValue(b)];
  if (x !== undefined && y !== undefined) return constant(x + y);
  if (y !== undefined) return affine(a, 1, y);
  if (x !== undefined) return affine(b, 1, x);
  return addTensors(a, b);
}

/** a · b element by element, broadcast. A constant operand is folded. */
export function mul(a: Tensor, b: Tensor): Tensor {
  const [x, y] = [constantValue(a), constantValue(b)];
  if (x !== undefined && y !== undefined) return constant(x * y);
  const [factorA, factorB] = [uniformValue(a, b.shape), uniformValue(b, a.shape)];
  if (factorB !== undefined) return affine(a, factorB, 0);
  if (factorA !== undefined) return affine(b, factorA, 0);
  return mulTensors(a, b);
}

/** a − b, broadcast. */
export const sub: (a: Tensor, b: Tensor) => Tensor = make("sub");
/** a / b, broadcast. */
export const div: (a: Tensor, b: Tensor) => Tensor = make("div");
/** The larger of a and b, broadcast; at a tie the gradient goes to a. */
export const maximum: (a: Tensor, b: Tensor) => Tensor = make("max");
/** The smaller of a and b, broadcast; at a tie the gradient goes to a. */
export const minimum: (a: Tensor, b: Tensor) => Tensor = make("min");
/** g where y > 0, else 0: the gradient of y = relu(·). */
export const reluGradient: (g: Tensor, y: Tensor) => Tensor = make("reluGradient");
/** 1 where a > b, else 0. */
export const greater: (a: Tensor, b: Tensor) => Tensor = make("greater");
/** 1 where a ≥ b, else 0. */
export const greaterEqual: (a: Tensor, b: Tensor) => Tensor = make("greaterEqual");
