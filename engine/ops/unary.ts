/** Element-wise functions of one tensor. */
import type { UNARY } from "../../kernels/unary.ts";
import { apply, type None } from "../tensor/op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { affine } from "./affine.ts";
import { div, mul, reluGradient } from "./binary.ts";
import { emitUnary } from "./elementwise.ts";
import type { RegisteredOp } from "./registered.ts";

/** Functions of one argument that the kernel knows; the affine one takes numbers besides. */
export type UnaryName = Exclude<keyof typeof UNARY, "affine">;

type Rule = (x: Tensor, y: Tensor, g: Tensor) => Tensor | undefined;

/** What tells a function's op from the others'. */
interface Traits {
  /** ∂L/∂x from g = ∂L/∂y, y = f(x). */
  readonly rule: Rule;
  /** Defined for positive numbers only. */
  readonly positive?: true;
  /** With a kink at 0. */
  readonly kinked?: true;
  /** Constant but for jumps. */
  readonly stepwise?: true;
}

function unaryOp(name: UnaryName, { rule, ...traits }: Traits): RegisteredOp<None> {
  const { positive, kinked = false, stepwise: fixed = false } = traits;
  const [low, high] = positive ? [0.3, 2] : [-2, 2];
  const awayFromZero = kinked || fixed ? 1e-2 : 0;
  return {
    name,
    memory: "value",
    infer([x]) {
      if (x.dtype !== "f32") throw new TypeError(`${name}: the tensor must be f32, got ${x}`);
      return [x];
    },
    lower: ({ inputs: [x], outputs: [y] }, emit) => emitUnary(emit, name, x, y),
    gradient: ({ inputs: [x], outputs: [y] }, [g]) => [rule(x, y, g!)],
    rowInputs: () => [0],
    examples: [{
      name: "matrix",
      inputs: [{ shape: [3, 5], low, high, awayFromZero, fixed }],
      attributes: {},
    }],
  };
}

/** y = f(x), element by element, of every f. */
export const UNARY_OPS: Readonly<Record<UnaryName, RegisteredOp<None>>> = {
  copy: unaryOp("copy", { rule: (_x, _y, g) => g }),
  relu: unaryOp("relu", { rule: (_x, y, g) => reluGradient(g, y), kinked: true }),
  exp: unaryOp("exp", { rule: (_x, y, g) => mul(g, y) }),
  log: unaryOp("log", { rule: (x, _y, g) => div(g, x), positive: true }),
  sqrt: unaryOp("sqrt", { rule: (_x, y, g) => div(affine(g, 0.5, 0), y), positive: true }),
  square: unaryOp("square", { rule: (x, _y, g) => mul(g, affine(x, 2, 0)) }),
  reciprocal: unaryOp("reciprocal", {
    rule: (_x, y, g) => affine(mul(g, square(y)), -1, 0),
    positive: true,
  }),
  sigmoid: unaryOp("sigmoid", { rule: (_x, y, g) => mul(g, mul(y, affine(y, -1, 1))) }),
  tanh: unaryOp("tanh", { rule: (_x, y, g) => mul(g, affine(square(y), -1, 1)) }),
  abs: unaryOp("abs", { rule: (x, _y, g) => mul(g, sign(x)), kinked: true }),
  sign: unaryOp("sign", { rule: () => undefined, stepwise: true }),
  sin: unaryOp("sin", { rule: (x, _y, g) => mul(g, cos(x)) }),
  cos: unaryOp("cos", { rule: (x, _y, g) => affine(mul(g, sin(x)), -1, 0) }),
  softplus: unaryOp("softplus", { rule: (x, _y, g) => mul(g, sigmoid(x)) }),
};

function make(kind: UnaryName): (x: Tensor) => Tensor {
  return (x) => apply(UNARY_OPS[kind], [x], {})[0];
}

/** max(x, 0); its gradient at 0 is 0. */
export const relu: (x: Tensor) => Tensor = make("relu");
/** eˣ. */
export const exp: (x: Tensor) => Tensor = make("exp");
/** Natural logarithm. */
export const log: (x: Tensor) => Tensor = make("log");
/** Square root. */
export const sqrt: (x: Tensor) => Tensor = make("sqrt");
/** x². */
export const square: (x: Tensor) => Tensor = make("square");
/** 1/x. */
export const reciprocal: (x: Tensor) => Tensor = make("reciprocal");
/** 1/(1 + e⁻ˣ). */
export const sigmoid: (x: Tensor) => Tensor = make("sigmoid");
/** Hyperbolic tangent. */
export const tanh: (x: Tensor) => Tensor = make("tanh");
/** |x|; its gradient at 0 is 0. */
export const abs: (x: Tensor) => Tensor = make("abs");
/** −1, 0 or 1. */
export const sign: (x: Tensor) => Tensor = make("sign");
/** Sine of x radians. */
export const sin: (x: Tensor) => Tensor = make("sin");
/** Cosine of x radians. */
export const cos: (x: Tensor) => Tensor = make("cos");
/** The same values in memory of their own. */
export const copy: (x: Tensor) => Tensor = make("copy");
/** log(1 + eˣ) = max(x, 0) + log(1 + e^−|x|): no overflow, and no digits lost where x ≪ 0. */
export const softplus: (x: Tensor) => Tensor = make("softplus");
