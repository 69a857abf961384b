/** Functions of one number, element by element. */
import {
  groupsOf,
  type KernelCase,
  largestMagnitude,
  SMALLEST_NORMAL,
  type Tolerance,
  ULP,
} from "./kernel.ts";
import type { RegisteredKernel } from "./registered.ts";
import source from "./unary.wgsl" with { type: "text" };

/** Codes of the override constant `OP` of {@linkcode unary}. `affine` is a·x + b. */
export const UNARY = {
  copy: 0,
  affine: 1,
  relu: 2,
  exp: 3,
  log: 4,
  sqrt: 5,
  square: 6,
  reciprocal: 7,
  sigmoid: 8,
  tanh: 9,
  abs: 10,
  sign: 11,
  sin: 12,
  cos: 13,
  softplus: 14,
} as const;

const WORKGROUP = 64;

/**
 * y[i] = f(x[i]) with x [n] and y [n], f by the constant `OP`, see {@linkcode UNARY}.
 *
 * Params: n; a and b of the affine map. NaN gives NaN. `sin` and `cos` hold their accuracy for
 * |x| ≤ 8192.
 */
export const unary: RegisteredKernel = {
  name: "unary",
  bindings: [
    { name: "x", type: "f32", access: "read" },
    { name: "y", type: "f32", access: "write" },
  ],
  params: [
    { name: "n", type: "u32" },
    { name: "a", type: "f32" },
    { name: "b", type: "f32" },
  ],
  constants: { OP: UNARY.copy },
  shaders: [{ file: "unary.wgsl", source, workgroups: ({ n }) => groupsOf(n, WORKGROUP) }],
  lengths: ({ n }) => [n, n],
  extent: ({ n }) => n,
  reference([x, y], { a, b }, constants, begin, end) {
    switch (constants.OP) {
      case UNARY.copy:
        for (let i = begin; i < end; i++) y[i] = x[i];
        break;
      case UNARY.affine:
        for (let i = begin; i < end; i++) y[i] = a * x[i] + b;
        break;
      case UNARY.relu:
        for (let i = begin; i < end; i++) y[i] = x[i] < 0 ? 0 : x[i];
        break;
      case UNARY.exp:
        for (let i = begin; i < end; i++) y[i] = Math.exp(x[i]);
        break;
      case UNARY.log:
        for (let i = begin; i < end; i++) y[i] = Math.log(x[i]);
        break;
      case UNARY.sqrt:
        for (let i = begin; i < end; i++) y[i] = Math.sqrt(x[i]);
        break;
      case UNARY.square:
        for (let i = begin; i < end; i++) y[i] = x[i] * x[i];
        break;
      case UNARY.reciprocal:
        for (let i = begin; i < end; i++) y[i] = 1 / x[i];
        break;
      case UNARY.sigmoid:
        for (let i = begin; i < end; i++) {
          const e = Math.exp(-Math.abs(x[i]));
          y[i] = (x[i] >= 0 ? 1 : e) / (1 + e);
        }
        break;
      case UNARY.tanh:
        for (let i = begin; i < end; i++) y[i] = Math.tanh(x[i]);
        break;
      case UNARY.abs:
        for (let i = begin; i < end; i++) y[i] = Math.abs(x[i]);
        break;
      case UNARY.sign:
        for (let i = begin; i < end; i++) y[i] = Math.sign(x[i]);
        break;
      case UNARY.sin:
        for (let i = begin; i < end; i++) y[i] = Math.sin(x[i]);
        break;
      case UNARY.cos:
        for (let i = begin; i < end; i++) y[i] = Math.cos(x[i]);
        break;
      case UNARY.softplus:
        for (let i = begin; i < end; i++) {
          y[i] = Math.max(x[i], 0) + Math.log1p(Math.exp(-Math.abs(x[i])));
        }
        break;
      default:
        throw new RangeError(`unary has no OP ${constants.OP}: codes are 0 to ${UNARY.softplus}`);
    }
  },
  cases: () => [
    unaryCase("copy", 1, -1, 1),
    unaryCase("affine", 65, -3, 3, 1.5, -0.25),
    { ...unaryCase("relu", 7, 0, 0), buffers: [values(-2, -0, 0, 1e-3, -1e-3, NaN, 5), out(7)] },
    unaryCase("exp", 127, -20, 20),
    unaryCase("exp", 63, -1, 1),
    unaryCase("log", 129, 1e-3, 0.5),
    unaryCase("log", 64, 0.5, 2),
    unaryCase("log", 64, 2, 1e6),
    unaryCase("sqrt", 100, 0, 100),
    unaryCase("square", 31, -7, 7),
    unaryCase("reciprocal", 33, 0.01, 50),
    unaryCase("sigmoid", 257, -30, 30),
    { ...unaryCase("sigmoid", 4, 0, 0), buffers: [values(-200, 200, NaN, 0), out(4)] },
    unaryCase("tanh", 257, -1, 1),
    { ...unaryCase("tanh", 6, 0, 0), buffers: [values(-200, 200, NaN, 0, -9, 9), out(6)] },
    unaryCase("abs", 63, -2, 2),
    { ...unaryCase("sign", 5, 0, 0), buffers: [values(-3, 0, 1e-30, 4, NaN), out(5)] },
    unaryCase("sin", 257, -3.2, 3.2),
    unaryCase("sin", 129, -8192, 8192),
    unaryCase("cos", 257, -3.2, 3.2),
    unaryCase("cos", 129, -8192, 8192),
    unaryCase("softplus", 257, -2, 2),
    unaryCase("softplus", 127, -60, 60),
    { ...unaryCase("softplus", 5, 0, 0), buffers: [values(-200, 200, NaN, 0, -20), out(5)] },
    unaryCase("relu", 524_289, -1, 1),
    unaryCase("exp", 0, 0, 1),
  ],
  tolerance: (testCase) => {
    const { a, b } = testCase.params;
    const bound = unaryTolerance(testCase.constants.OP, largestFinite(testCase), a, b);
    return { absolute: bound.absolute + SMALLEST_NORMAL, relative: bound.relative };
  },
  cost: ({ n }) => ({ flops: n, bytes: 8 * n }),
};

/**
 * WGSL's accuracy table for each function, with |x| ≤ `range`. Sigmoid: e = exp(−|x|) enters the
 * numerator and the denominator, then an addition and a division. Tanh from |x| = ¼ on: the error
 * of e = exp(−2|x|), at most 2.5 ULP absolute there, is divided by 1 − e ≥ 0.39; below, a series.
 * Sine and cosine: a reduction in three parts within 4 ULP, then a series. Softplus: the error of
 * e = exp(−|x|) enters log(1 + e), a series of 8 ULP, and an addition.
 */
function unaryTolerance(op: number, range: number, a: number, b: number): Tolerance {
  switch (op) {
    case UNARY.affine:
      return { absolute: 2 * ULP * (Math.abs(a) * range + Math.abs(b)), relative: 0 };
    case UNARY.exp:
      return { absolute: 0, relative: (3 + 2 * range) * ULP };
    case UNARY.log:
      return { absolute: 2 ** -21, relative: 3 * ULP };
    case UNARY.sqrt:
      return { absolute: 0, relative: 4.5 * ULP };
    case UNARY.square:
      return { absolute: 0, relative: ULP };
    case UNARY.reciprocal:
      return { absolute: 0, relative: 2.5 * ULP };
    case UNARY.sigmoid:
      return { absolute: 0, relative: (2 * (3 + 2 * range) + 3.5) * ULP };
    case UNARY.tanh:
      return { absolute: 0, relative: 16 * ULP };
    case UNARY.sin:
    case UNARY.cos:
      return { absolute: 8 * ULP, relative: 0 };
    case UNARY.softplus:
      return { absolute: 0, relative: (3 + 2 * range + 9) * ULP };
    default:
      return { absolute: 0, relative: 0 };
  }
}

function largestFinite(testCase: KernelCase): number {
  const fill = testCase.buffers[0].fill;
  if (fill?.kind !== "values") return largestMagnitude(testCase.buffers[0]);
  const values = Array.from(fill.values).filter(Number.isFinite);
  return largestMagnitude({ length: values.length, fill: { kind: "values", values } });
}

const values = (...list: number[]) =>
  ({ length: list.length, fill: { kind: "values", values: list } }) as const;

const out = (length: number) => ({ length });

function unaryCase(
  op: keyof typeof UNARY,
  n: number,
  low: number,
  high: number,
  a = 0,
  b = 0,
): KernelCase {
  return {
    name: low < high ? `${op}, ${n} in [${low}, ${high})` : `${op}, ${n} special values`,
    params: { n, a, b },
    constants: { OP: UNARY[op] },
    buffers: [{ length: n, fill: { kind: "uniform", low, high } }, { length: n }],
  };
}
