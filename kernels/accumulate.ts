/** Adds up losses over the steps between two reads, and counts the steps. */
import { integers, uniform, values } from "./case_buffers.ts";
import { groupsOf, type KernelCase, largestMagnitude, ULP } from "./kernel.ts";
import source from "./accumulate.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

/** Terms of one call: what eight bindings leave beside the totals and the counter. */
export const ACCUMULATE_TERMS = 6;

const TERMS = Array.from({ length: ACCUMULATE_TERMS }, (_, j) => j);
const WORKGROUP = 256;

/** scale·Σ x, to be added to total[index]; `n` elements. */
export interface AccumulateTerm {
  /** Of the total. */
  readonly index: number;
  /** Elements of x. */
  readonly n: number;
  /** Factor. */
  readonly scale: number;
}

/** Parameters of a call with up to {@linkcode ACCUMULATE_TERMS} terms. */
export function accumulateParams(
  terms: readonly AccumulateTerm[],
  by: number,
): Record<string, number> {
  const params: Record<string, number> = { by };
  for (const j of TERMS) {
    const { n, index, scale } = terms[j] ?? { n: 0, index: 0, scale: 0 };
    Object.assign(params, { [`n${j}`]: n, [`index${j}`]: index, [`scale${j}`]: scale });
  }
  return params;
}

/**
 * total[index_j] ← total[index_j] + scale_j·Σ x_j for every j with n_j > 0, in order; the other totals
 * stay as they are. counter[0] ← counter[0] + by, modulo 2³².
 *
 * x_j is [n_j], one unused element where n_j is 0; every index must be below total's length.
 */
export const accumulate: RegisteredKernel = {
  name: "accumulate",
  bindings: [
    { name: "total", type: "f32", access: "update" },
    { name: "counter", type: "u32", access: "update" },
    ...TERMS.map((j) => ({ name: `x${j}`, type: "f32", access: "read" } as const)),
  ],
  params: [
    { name: "by", type: "u32" },
    ...TERMS.map((j) => ({ name: `n${j}`, type: "u32" } as const)),
    ...TERMS.map((j) => ({ name: `index${j}`, type: "u32" } as const)),
    ...TERMS.map((j) => ({ name: `scale${j}`, type: "f32" } as const)),
  ],
  constants: {},
  shaders: [{ file: "accumulate.wgsl", source, workgroups: () => 1 }],
  lengths: (params) => [
    Math.max(0, ...TERMS.map((j) => params[`n${j}`] > 0 ? params[`index${j}`] + 1 : 0)),
    1,
    ...TERMS.map((j) => params[`n${j}`]),
  ],
  extent: () => 1,
  reference([total, counter, ...x], params, _constants, begin, end) {
    if (begin === end) return;
    for (const j of TERMS) {
      const n = params[`n${j}`];
      let sum = 0;
      for (let i = 0; i < n; i++) sum += x[j][i];
      if (n > 0) total[params[`index${j}`]] += params[`scale${j}`] * sum;
    }
    counter[0] = (counter[0] + params.by) >>> 0;
  },
  cases: () => [
    accumulateCase("one loss", 1, [{ index: 0, n: 1, scale: 1 }]),
    accumulateCase("only counts", 3, [], 5),
    accumulateCase("two losses and a count", 3, [
      { index: 2, n: 196, scale: 2 / 256 },
      { index: 0, n: 257, scale: -0.3 },
    ], 1),
    accumulateCase("two terms of one loss", 64, [
      { index: 63, n: 3, scale: 0.25 },
      { index: 63, n: 1025, scale: 1 / 256 },
    ]),
    accumulateCase("six terms, the counter wraps", 5, [
      { index: 4, n: 255, scale: 1 },
      { index: 3, n: 1, scale: 0 },
      { index: 2, n: 0, scale: 7 },
      { index: 1, n: 4096, scale: 0.1 },
      { index: 0, n: 256, scale: -2 },
      { index: 2, n: 5, scale: 3 },
    ], 0x80000001),
  ],
  /** The additions of an invocation, 8 levels of a tree, the product, and the addition to the total. */
  tolerance({ params, buffers }) {
    const [total, , ...x] = buffers.map(largestMagnitude);
    const bounds = TERMS.map((j) => {
      const n = params[`n${j}`];
      const sum = Math.abs(params[`scale${j}`]) * n * x[j];
      return total + (groupsOf(n, WORKGROUP) + Math.log2(WORKGROUP) + 2 + TERMS.length) * sum;
    });
    return { absolute: ULP * bounds.reduce((sum, bound) => sum + bound), relative: 0 };
  },
  cost(params) {
    const elements = TERMS.reduce((sum, j) => sum + params[`n${j}`], 0);
    return { flops: elements + 2 * TERMS.length, bytes: 4 * elements + 16 };
  },
};

function accumulateCase(
  name: string,
  length: number,
  terms: readonly AccumulateTerm[],
  by = 0,
): KernelCase {
  const rounded = terms.map((term) => ({ ...term, scale: Math.fround(term.scale) }));
  return {
    name,
    params: accumulateParams(rounded, by),
    constants: {},
    buffers: [
      uniform(length, -10, 10),
      values([0x80000000]),
      ...TERMS.map((j) => terms[j] ? uniform(Math.max(1, terms[j].n)) : integers(1, 9, 9)),
    ],
  };
}
