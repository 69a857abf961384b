/** Whether a tile's products are right on this machine, beside another's. */
import { KERNELS } from "../../kernels/registry.ts";
import type { Backend, Call, Region } from "../backend/backend.ts";

/** Elements on each side of every region that must stay as they are. */
const GUARD = 64;
/** A NaN that no product makes. */
const SENTINEL = 0x7fc0dead;
/** Milliseconds of runs, so that the code that is compared in the end is the one compiled for speed. */
const AUDIT_MS = 300;
/** Runs between two comparisons. */
const RUNS = 20;

/** Rows, depth and columns about the edges of tiles, vectors, panels and blocks. */
const SHAPES: readonly (readonly [m: number, k: number, n: number])[] = [
  [1, 1, 1],
  [7, 5, 9],
  [13, 6, 10],
  [131, 300, 23],
  [64, 513, 33],
  [37, 1027, 17],
];

const PRODUCTS = [
  { name: "dense", constants: { ACT: 1, USE_BIAS: 1 } },
  { name: "dense_input_gradient", constants: { MASK: 0 } },
  { name: "dense_input_gradient", constants: { MASK: 1 } },
  { name: "dense_weight_gradient", constants: { BIAS: 0 } },
] as const;

/** Elements of a product's regions; the last is its result. */
function lengthsOf(name: typeof PRODUCTS[number]["name"], m: number, k: number, n: number) {
  switch (name) {
    case "dense":
      return [m * k, k * n, n, m * n];
    case "dense_input_gradient":
      return [m * n, k * n, m * k, m * k];
    case "dense_weight_gradient":
      return [m * k, m * n, n, k * n];
  }
}

/** Words of a region: numbers in [−1, 1), some of them infinite or no numbers. */
function fill(length: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    if (state % 4099 === 0) return NaN;
    if (state % 4093 === 0) return Infinity;
    return state / 2 ** 31 - 1;
  });
}

/** All products of all shapes on a device, each region between sentinels. */
async function prepare(backend: Backend) {
  const areas: Region[] = [];
  const calls = SHAPES.flatMap(([m, k, n]) =>
    PRODUCTS.map(({ name, constants }): Call => {
      const regions = lengthsOf(name, m, k, n).map((length, i, { length: count }): Region => {
        const words = length + 2 * GUARD;
        const buffer = backend.allocate(words * 4, "audit");
        const area: Region = { buffer, offset: 0, length: words, dtype: "u32" };
        backend.write(area, new Uint32Array(words).fill(SENTINEL));
        const inner: Region = { buffer, offset: GUARD, length, dtype: "f32" };
        if (i < count - 1) backend.write(inner, fill(length, areas.length));
        areas.push(area);
        return inner;
      });
      const params = { m, k, n, ...(name === "dense" ? { stride: k } : {}) };
      return { kernel: KERNELS[name], constants, params, regions };
    })
  );
  const program = await backend.prepare(calls, "audit of the tile");
  return {
    async run() {
      program.run(RUNS);
      return await backend.read(areas) as Uint32Array[];
    },
    dispose() {
      program.dispose();
      areas.forEach(({ buffer }) => buffer.free());
    },
  };
}

/** The bits of a number; NaN, whose bits are left open, as one of them. */
function bitsOf(word: number): number {
  return (word & 0x7fffffff) > 0x7f800000 && word !== SENTINEL ? 0x7fc00000 : word;
}

/**
 * Runs products of odd shapes on both devices and compares all memory about them: results, operands, and
 * the sentinels on their sides. What differs first, or undefined.
 */
export async function auditTile(backend: Backend, reference: Backend): Promise<string | undefined> {
  const programs = [await prepare(backend), await prepare(reference)];
  try {
    const expected = await programs[1].run();
    const end = performance.now() + AUDIT_MS;
    do {
      const areas = await programs[0].run();
      for (const [i, area] of areas.entries()) {
        const at = area.findIndex((word, e) => bitsOf(word) !== bitsOf(expected[i][e]));
        if (at < 0) continue;
        return `word ${at} of area ${i} of the audit is ${area[at]}, not ${expected[i][at]}`;
      }
    } while (performance.now() < end);
    return undefined;
  } finally {
    programs.forEach((program) => program.dispose());
  }
}
