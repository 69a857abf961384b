/** Functions of two numbers, element by element, with broadcasting. */
import {
  groupsOf,
  type KernelCase,
  largestMagnitude,
  type NumberArray,
  SMALLEST_NORMAL,
  ULP,
} from "./kernel.ts";
import source from "./binary.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

/**
 * Codes of the override constant `OP` of {@linkcode binary}. `reluGradient` is b > 0 ? a : 0 with
 * a the gradient and b the ReLU's output; the comparisons give 1 or 0. The cross-entropy is that of
 * the logit a with the target b, in nats: max(a, 0) − a·b + log(1 + e^−|a|).
 */
export const BINARY = {
  add: 0,
  sub: 1,
  mul: 2,
  div: 3,
  max: 4,
  min: 5,
  reluGradient: 6,
  greater: 7,
  greaterEqual: 8,
  binaryCrossEntropyWithLogits: 9,
} as const;

const WORKGROUP = 64;

/**
 * y = f(a, b) over a 4-D index, f by the constant `OP`, see {@linkcode BINARY}.
 *
 * y is contiguous with sizes s0…s3 (padded on the left with 1) and n = s0·s1·s2·s3 elements; a and
 * b are read with strides a0…a3 and b0…b3 in elements, 0 where they are broadcast. Maximum and
 * minimum give NaN where either argument is NaN; comparisons with NaN give 0.
 */
export const binary: RegisteredKernel = {
  name: "binary",
  bindings: [
    { name: "a", type: "f32", access: "read" },
    { name: "b", type: "f32", access: "read" },
    { name: "y", type: "f32", access: "write" },
  ],
  params: ["n", "s0", "s1", "s2", "s3", "a0", "a1", "a2", "a3", "b0", "b1", "b2", "b3"]
    .map((name) => ({ name, type: "u32" })),
  constants: { OP: BINARY.add },
  shaders: [{ file: "binary.wgsl", source, workgroups: ({ n }) => groupsOf(n, WORKGROUP) }],
  lengths({ n, s0, s1, s2, s3, a0, a1, a2, a3, b0, b1, b2, b3 }) {
    if (n === 0) return [0, 0, 0];
    const last = [s0 - 1, s1 - 1, s2 - 1, s3 - 1];
    const reach = (strides: readonly number[]) =>
      strides.reduce((sum, stride, axis) => sum + stride * last[axis], 1);
    return [reach([a0, a1, a2, a3]), reach([b0, b1, b2, b3]), n];
  },
  extent: ({ n }) => n,
  reference([a, b, y], params, constants, begin, end) {
    const op = constants.OP;
    const { s1, s2, s3, a0, a1, a2, a3, b0, b1, b2, b3 } = params;
    // Stretches along the innermost axis, in which the strides are constant.
    for (let i = begin; i < end;) {
      const row = Math.floor(i / s3);
      const i3 = i - row * s3;
      const plane = Math.floor(row / s2);
      const i2 = row - plane * s2;
      const i0 = Math.floor(plane / s1);
      const i1 = plane - i0 * s1;
      const stop = Math.min(end, i + s3 - i3);
      stretch(
        op,
        a,
        i0 * a0 + i1 * a1 + i2 * a2 + i3 * a3,
        a3,
        b,
        i0 * b0 + i1 * b1 + i2 * b2 + i3 * b3,
        b3,
        y,
        i,
        stop,
      );
      i = stop;
    }
  },
  cases: () => [
    binaryCase("add", [1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1]),
    binaryCase("add", [1, 1, 129, 67], [1, 1, 129, 67], [1, 1, 1, 67]),
    binaryCase("sub", [1, 1, 31, 65], [1, 1, 31, 1], [1, 1, 31, 65]),
    binaryCase("mul", [2, 3, 5, 7], [2, 1, 5, 1], [1, 3, 1, 7]),
    binaryCase("add", [1, 3, 5, 7], [1, 3, 1, 1], [1, 1, 5, 1]),
    binaryCase("div", [1, 1, 17, 9], [1, 1, 17, 9], [1, 1, 17, 1], [0.5, 4]),
    binaryCase("max", [1, 1, 1, 257], [1, 1, 1, 257], [1, 1, 1, 257], [-3, 3, "integer"]),
    binaryCase("min", [1, 1, 1, 63], [1, 1, 1, 1], [1, 1, 1, 63], [-3, 3, "integer"]),
    binaryCase("reluGradient", [1, 1, 9, 64], [1, 1, 9, 64], [1, 1, 9, 64], [-1, 2, "integer"]),
    binaryCase("greater", [1, 4, 1, 33], [1, 1, 1, 33], [1, 4, 1, 1], [-2, 2, "integer"]),
    binaryCase("greaterEqual", [3, 1, 2, 11], [3, 1, 2, 11], [1, 1, 1, 1], [-2, 2, "integer"]),
    binaryCase("binaryCrossEntropyWithLogits", [1, 1, 33, 65], [1, 1, 33, 65], [1, 1, 33, 65]),
    binaryCase("binaryCrossEntropyWithLogits", [1, 3, 5, 7], [1, 3, 5, 7], [1, 1, 1, 1], [-30, 30]),
    binaryCase("mul", [1, 1, 509, 511], [1, 1, 509, 511], [1, 1, 509, 511]),
    binaryCase("add", [1, 1, 0, 5], [1, 1, 0, 5], [1, 1, 1, 5]),
    ...(["max", "min", "greater", "greaterEqual"] as const).map(notANumberCase),
  ],
  /**
   * One operation: a rounding for +, −, ×, 2.5 ULP for ÷; the others select. The cross-entropy: a
   * rounding of a·b, one of a difference and one of a sum, which are at most |a| + |a·b| + log 2;
   * e^−|a|·(3 + 2 |a|) ≤ 3 ULP from the exponential, and 8 ULP of at most log 2 from the series.
   */
  tolerance(testCase) {
    const op = testCase.constants.OP;
    if (op === BINARY.binaryCrossEntropyWithLogits) {
      const [a, b] = testCase.buffers.map(largestMagnitude);
      return { absolute: (3 * (a + a * b) + 10) * ULP, relative: 0 };
    }
    const relative = op === BINARY.div ? 2.5 * ULP : op <= BINARY.mul ? ULP : 0;
    return { absolute: relative > 0 ? SMALLEST_NORMAL : 0, relative };
  },
  cost: (params) => {
    const size = (prefix: string) =>
      [0, 1, 2, 3].reduce(
        (product, axis) =>
          params[`${prefix}${axis}`] === 0 ? product : product * params[`s${axis}`],
        1,
      );
    return { flops: params.n, bytes: 4 * (params.n + size("a") + size("b")) };
  },
};

function stretch(
  op: number,
  a: NumberArray,
  ai: number,
  aStride: number,
  b: NumberArray,
  bi: number,
  bStride: number,
  y: NumberArray,
  begin: number,
  end: number,
): void {
  switch (op) {
    case BINARY.add:
      for (let i = begin; i < end; i++, ai += aStride, bi += bStride) y[i] = a[ai] + b[bi];
      break;
    case BINARY.sub:
      for (let i = begin; i < end; i++, ai += aStride, bi += bStride) y[i] = a[ai] - b[bi];
      break;
    case BINARY.mul:
      for (let i = begin; i < end; i++, ai += aStride, bi += bStride) y[i] = a[ai] * b[bi];
      break;
    case BINARY.div:
      for (let i = begin; i < end; i++, ai += aStride, bi += bStride) y[i] = a[ai] / b[bi];
      break;
    case BINARY.max:
      for (let i = begin; i < end; i++, ai += aStride, bi += bStride) {
        y[i] = Math.max(a[ai], b[bi]);
      }
      break;
    case BINARY.min:
      for (let i = begin; i < end; i++, ai += aStride, bi += bStride) {
        y[i] = Math.min(a[ai], b[bi]);
      }
      break;
    case BINARY.reluGradient:
      for (let i = begin; i < end; i++, ai += aStride, bi += bStride) {
        y[i] = b[bi] > 0 ? a[ai] : 0;
      }
      break;
    case BINARY.greater:
      for (let i = begin; i < end; i++, ai += aStride, bi += bStride) {
        y[i] = a[ai] > b[bi] ? 1 : 0;
      }
      break;
    case BINARY.greaterEqual:
      for (let i = begin; i < end; i++, ai += aStride, bi += bStride) {
        y[i] = a[ai] >= b[bi] ? 1 : 0;
      }
      break;
    case BINARY.binaryCrossEntropyWithLogits:
      for (let i = begin; i < end; i++, ai += aStride, bi += bStride) {
        const logit = a[ai];
        y[i] = Math.max(logit, 0) - logit * b[bi] + Math.log1p(Math.exp(-Math.abs(logit)));
      }
      break;
    default:
      throw new RangeError(
        `binary has no OP ${op}: codes are 0 to ${BINARY.binaryCrossEntropyWithLogits}`,
      );
  }
}

type Sizes = readonly [number, number, number, number];

const count = (sizes: Sizes) => sizes.reduce((product, size) => product * size, 1);

function strides(sizes: Sizes): number[] {
  let stride = 1;
  const result = [0, 0, 0, 0];
  for (let axis = 3; axis >= 0; axis--) {
    result[axis] = sizes[axis] === 1 ? 0 : stride;
    stride *= sizes[axis];
  }
  return result;
}

function binaryParams(output: Sizes, aSizes: Sizes, bSizes: Sizes): Record<string, number> {
  const params: Record<string, number> = { n: count(output) };
  const a = strides(aSizes), b = strides(bSizes);
  for (let axis = 0; axis < 4; axis++) {
    params[`s${axis}`] = output[axis];
    params[`a${axis}`] = a[axis];
    params[`b${axis}`] = b[axis];
  }
  return params;
}

function binaryCase(
  op: keyof typeof BINARY,
  output: Sizes,
  aSizes: Sizes,
  bSizes: Sizes,
  [low, high, kind = "uniform"]: readonly [number, number, ("uniform" | "integer")?] = [-2, 2],
): KernelCase {
  return {
    name: `${op}, ${aSizes.join("×")} and ${bSizes.join("×")}`,
    params: binaryParams(output, aSizes, bSizes),
    constants: { OP: BINARY[op] },
    buffers: [
      { length: count(aSizes), fill: { kind, low, high } },
      { length: count(bSizes), fill: { kind, low, high } },
      { length: count(output) },
    ],
  };
}

function notANumberCase(op: keyof typeof BINARY): KernelCase {
  const sizes: Sizes = [1, 1, 1, 4];
  return {
    name: `${op}, NaN`,
    params: binaryParams(sizes, sizes, sizes),
    constants: { OP: BINARY[op] },
    buffers: [
      { length: 4, fill: { kind: "values", values: [NaN, 1, NaN, 2] } },
      { length: 4, fill: { kind: "values", values: [0, NaN, NaN, 2] } },
      { length: 4 },
    ],
  };
}
