/** Element-wise functions of two tensors, with broadcasting. */
import type { BINARY } from "../../kernels/binary.ts";
import { apply, f32, type None } from "../tensor/op.ts";
import { broadcastShapes, sameShape, type Shape } from "../tensor/shape.ts";
import type { ExampleInput, Tensor } from "../tensor/tensor.ts";
import { affine, negate } from "./affine.ts";
import { constant, constantValue } from "./constant.ts";
import { emitBinary } from "./elementwise.ts";
import type { RegisteredOp } from "./registered.ts";
import { sumTo, uniformValue } from "./sum.ts";

type Pair = readonly [Tensor | undefined, Tensor | undefined];

/** (∂L/∂a, ∂L/∂b) from g = ∂L/∂y before summing over broadcast axes. */
type Rule = (a: Tensor, b: Tensor, g: Tensor, needed: readonly boolean[]) => Pair;

const when = (needed: boolean, make: () => Tensor) => needed ? make() : undefined;

const SHAPES: readonly (readonly [Shape, Shape])[] = [
  [[3, 4], [3, 4]],
  [[3, 4], [4]],
  [[3, 1], [3, 4]],
  [[2, 3, 4], [3, 1]],
  [[], [2, 3]],
];

/** The values of an op's first and second input in its example number i; in [−2, 2) by default. */
type Ranges = (i: number) => readonly [Partial<ExampleInput>?, Partial<ExampleInput>?];

/** y = f(a, b), element by element over the broadcast shape of up to four axes. */
export function broadcastingOp(
  name: keyof typeof BINARY,
  rule: Rule,
  ranges: Ranges = () => [],
): RegisteredOp<None> {
  return {
    name,
    memory: "value",
    infer([a, b]) {
      if (a.dtype !== "f32" || b.dtype !== "f32") {
        throw new TypeError(`${name}: both tensors must be f32, got ${a} and ${b}`);
      }
      const shape = broadcastShapes(a.shape, b.shape, name);
      if (shape.length > 4) {
        throw new RangeError(`${name}: at most 4 axes, got ${a} and ${b}`);
      }
      return [f32(shape)];
    },
    lower: ({ inputs: [a, b], outputs: [y] }, emit) => emitBinary(emit, name, [a, b, y]),
    gradient({ inputs: [a, b] }, [g], needed) {
      const [ga, gb] = rule(a, b, g!, needed);
      return [
        needed[0] && ga ? sumTo(ga, a.shape) : undefined,
        needed[1] && gb ? sumTo(gb, b.shape) : undefined,
      ];
    },
    rowInputs: ({ inputs, outputs: [y] }) =>
      inputs.every(({ shape }) => sameShape(shape, y.shape)) ? [0, 1] : undefined,
    examples: SHAPES.map((shapes, i) => ({
      name: shapes.map((shape) => shape.join("×") || "scalar").join(", "),
      inputs: shapes.map((shape, j) => ({ shape, low: -2, high: 2, ...ranges(i)[j] })),
      attributes: {},
    })),
  };
}

/** Functions of two arguments that have no file of their own. */
export type BinaryName = Exclude<keyof typeof BINARY, "binaryCrossEntropyWithLogits">;

/** Keeps operands of max and min from ties: the one wins in some examples, the other in others. */
const apart: Ranges = (i) => [{}, { low: 2.5 * (i % 2) - 3, high: 2.5 * (i % 2) - 2.1 }];

/** Constant but for jumps. */
const stepwise: Ranges = () => [{ fixed: true }, { fixed: true }];

/** y = f(a, b) of every f. */
export const BINARY_OPS: Readonly<Record<BinaryName, RegisteredOp<None>>> = {
  add: broadcastingOp("add", (_a, _b, g) => [g, g]),
  sub: broadcastingOp("sub", (_a, _b, g, [, b]) => [g, when(b, () => negate(g))]),
  mul: broadcastingOp("mul", (a, b, g, needed) => [
    when(needed[0], () => mul(g, b)),
    when(needed[1], () => mul(g, a)),
  ]),
  div: broadcastingOp("div", (a, b, g, needed) => [
    when(needed[0], () => div(g, b)),
    when(needed[1], () => negate(div(mul(g, a), mul(b, b)))),
  ], () => [{}, { low: 0.4 }]),
  // At a tie the gradient goes to the first operand, whole.
  max: broadcastingOp("max", (a, b, g, needed) => [
    when(needed[0], () => mul(g, greaterEqual(a, b))),
    when(needed[1], () => mul(g, greater(b, a))),
  ], apart),
  min: broadcastingOp("min", (a, b, g, needed) => [
    when(needed[0], () => mul(g, greaterEqual(b, a))),
    when(needed[1], () => mul(g, greater(a, b))),
  ], apart),
  reluGradient: broadcastingOp(
    "reluGradient",
    (_a, b, g) => [reluGradient(g, b), undefined],
    () => [{}, { fixed: true }],
  ),
  greater: broadcastingOp("greater", () => [undefined, undefined], stepwise),
  greaterEqual: broadcastingOp("greaterEqual", () => [undefined, undefined], stepwise),
};

function make(kind: BinaryName): (a: Tensor, b: Tensor) => Tensor {
  return (a, b) => apply(BINARY_OPS[kind], [a, b], {})[0];
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
