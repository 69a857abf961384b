/** Element-wise functions of one tensor. */
import { UNARY, unary as kernel } from "../../kernels/unary.ts";
import type { Example, Op } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";
import { div, mul, reluGradient } from "./binary.ts";
import { constant, constantValue } from "./constant.ts";

/** Functions of one argument that the kernel knows. */
export type UnaryName = keyof typeof UNARY;

interface Attributes {
  readonly kind: UnaryName;
  /** `affine` computes a·x + b. */
  readonly a: number;
  readonly b: number;
}

type Rule = (x: Tensor, y: Tensor, g: Tensor, attributes: Attributes) => Tensor | undefined;

/** ∂L/∂x from g = ∂L/∂y, y = f(x): a missing rule is a type error. */
const RULES: Record<UnaryName, Rule> = {
  copy: (_x, _y, g) => g,
  affine: (_x, _y, g, { a }) => affine(g, a, 0),
  relu: (_x, y, g) => reluGradient(g, y),
  exp: (_x, y, g) => mul(g, y),
  log: (x, _y, g) => div(g, x),
  sqrt: (_x, y, g) => div(affine(g, 0.5, 0), y),
  square: (x, _y, g) => mul(g, affine(x, 2, 0)),
  reciprocal: (_x, y, g) => affine(mul(g, square(y)), -1, 0),
  sigmoid: (_x, y, g) => mul(g, mul(y, affine(y, -1, 1))),
  tanh: (_x, y, g) => mul(g, affine(square(y), -1, 1)),
  abs: (x, _y, g) => mul(g, sign(x)),
  sign: () => undefined,
  sin: (x, _y, g) => mul(g, cos(x)),
  cos: (x, _y, g) => affine(mul(g, sin(x)), -1, 0),
  softplus: (x, _y, g) => mul(g, sigmoid(x)),
};

const POSITIVE: ReadonlySet<UnaryName> = new Set(["log", "sqrt", "reciprocal"]);
const KINKED: ReadonlySet<UnaryName> = new Set(["relu", "abs"]);

function example(kind: UnaryName): Example<Attributes> {
  const [low, high] = POSITIVE.has(kind) ? [0.3, 2] : [-2, 2];
  return {
    name: kind,
    inputs: [{ shape: [3, 5], low, high, awayFromZero: KINKED.has(kind) ? 1e-2 : 0 }],
    attributes: { kind, a: -1.5, b: 0.25 },
  };
}

/** y = f(x), element by element. */
export const unaryOp: Op<Attributes> = {
  name: "unary",
  infer([x], { kind }) {
    if (x.dtype !== "f32" && kind !== "copy") {
      throw new TypeError(`${kind}: the tensor must be f32, got ${x}`);
    }
    return [{ shape: x.shape, dtype: x.dtype }];
  },
  lower({ inputs: [x], outputs: [y], attributes: { kind, a, b } }, emit) {
    emit.call(kernel, { OP: UNARY[kind] }, { n: x.size, a, b }, [x, y]);
  },
  gradient: ({ inputs: [x], outputs: [y], attributes }, [g]) => [
    RULES[attributes.kind](x, y, g!, attributes),
  ],
  examples: (Object.keys(UNARY) as UnaryName[]).filter((kind) => kind !== "sign").map(example),
};

function make(kind: UnaryName): (x: Tensor) => Tensor {
  return (x) => apply(unaryOp, [x], { kind, a: 1, b: 0 })[0];
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

/** a·x + b for numbers a and b; folded where x is a constant or itself affine. */
export function affine(x: Tensor, a: number, b: number): Tensor {
  const value = constantValue(x);
  if (value !== undefined) return constant(a * value + b);
  if (a === 1 && b === 0) return x;
  const inner = affineParts(x);
  if (inner) return affine(inner.x, a * inner.a, a * inner.b + b);
  return apply(unaryOp, [x], { kind: "affine", a, b })[0];
}

/** Of a tensor made as a·x + b: its parts; else undefined. */
export function affineParts(y: Tensor): { x: Tensor; a: number; b: number } | undefined {
  const node = y.node;
  if (node?.op.name !== unaryOp.name) return undefined;
  const { kind, a, b } = node.attributes as Attributes;
  return kind === "affine" ? { x: node.inputs[0], a, b } : undefined;
}

/** x·`factor`. */
export function scale(x: Tensor, factor: number): Tensor {
  return affine(x, factor, 0);
}

/** −x. */
export function negate(x: Tensor): Tensor {
  return affine(x, -1, 0);
}
