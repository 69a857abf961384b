/** What is refused of a call, in the same words by every backend; and the lengths that kernels state. */
import { assert, assertEquals } from "@std/assert";
import type { Backend, Call, Region } from "../engine/backend/backend.ts";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { assign } from "../engine/ops/call.ts";
import { add } from "../engine/ops/binary.ts";
import { reshape, stopGradient } from "../engine/ops/reshape.ts";
import { OracleBackend } from "../engine/backend/oracle.ts";
import { trace } from "../engine/planner/program.ts";
import { State } from "../engine/state/state.ts";
import { Variable } from "../engine/tensor/tensor.ts";
import { openWebGpuBackend } from "../engine/webgpu/backend.ts";
import type { NumberArray } from "../kernels/kernel.ts";
import { KERNELS } from "../kernels/registry.ts";
import { UNARY } from "../kernels/unary.ts";
import { gpuTest } from "./gpu.ts";

/** Calls that every backend must refuse, and its words for each. */
function wrongCalls(backend: Backend, other: Backend): [call: Call, refusal: string][] {
  const make = (label: string, length = 256): Region => (
    { buffer: backend.allocate(4 * length, label), offset: 0, length, dtype: "f32" }
  );
  const [x, y, freed] = [make("x"), make("y"), make("freed")];
  freed.buffer.free();
  const foreign = { ...x, buffer: other.allocate(1024, "foreign") };
  const unary: Call = {
    kernel: KERNELS.unary,
    constants: { OP: UNARY.copy },
    params: { n: 64, a: 1, b: 0 },
    regions: [x, y],
  };
  const on = (...regions: Region[]): Call => ({ ...unary, regions });
  const params = (more: Record<string, unknown>): Call => (
    { ...unary, params: { ...unary.params, ...more } as Record<string, number> }
  );
  const constants = (constants: Record<string, unknown>): Call => (
    { ...unary, constants: constants as Record<string, number> }
  );
  const part = (offset: number, length = 64): Region => ({ ...x, offset, length });
  const sum: Call = {
    kernel: KERNELS.scatter_rows,
    constants: {},
    params: { n: 2, w: 3, total: 5 },
    regions: [x, { ...make("rows"), dtype: "u32" }, y],
  };
  const confidence: Call = {
    kernel: KERNELS.confidence,
    constants: {},
    params: { n: 64, k: 2 },
    regions: [make("q"), make("thresholds")],
  };
  return [
    [on(x), "TypeError, unary: binds 2 regions, got 1"],
    [on(x, y, x), "TypeError, unary: binds 2 regions, got 3"],
    [on({ ...x, dtype: "u32" }, y), "TypeError, unary: x must be f32, its region is u32"],
    [params({ a: undefined }), "TypeError, unary: parameter a is missing"],
    [params({ a: "1" }), "TypeError, unary: parameter a is missing"],
    [params({ c: 1 }), "TypeError, unary: has no parameter c"],
    [params({ n: -1 }), "RangeError, unary: parameter n = -1 is no u32"],
    [params({ n: 1.5 }), "RangeError, unary: parameter n = 1.5 is no u32"],
    [params({ n: 2 ** 32 }), "RangeError, unary: parameter n = 4294967296 is no u32"],
    [params({ n: NaN }), "RangeError, unary: parameter n = NaN is no u32"],
    [constants({ ACT: 1 }), "TypeError, unary: has no constant ACT"],
    [constants({ OP: "copy" }), "TypeError, unary: constant OP must be a number, got copy"],
    [on(foreign, y), "TypeError, unary: x: the buffer foreign belongs to another device"],
    [on(x, freed), "TypeError, unary: y: the buffer freed is freed"],
    [on(part(-64), y), "RangeError, unary: x: offset -64, length 64 is no region"],
    [on(part(0, 1.5), y), "RangeError, unary: x: offset 0, length 1.5 is no region"],
    [on(part(32), y), "RangeError, unary: x: offset 32 is not a multiple of 64 elements"],
    [on(y, part(192, 65)), "RangeError, unary: y: elements 192 to 257 leave the buffer x of 256"],
    [params({ n: 257 }), "RangeError, unary: x needs 257 elements, its region has 256"],
    [on(x, { ...y, length: 63 }), "RangeError, unary: y needs 64 elements, its region has 63"],
    [
      { ...sum, params: { ...sum.params, total: 86 } },
      "RangeError, scatter_rows: y needs 258 elements, its region has 256",
    ],
    [
      on(part(0), part(64)),
      "TypeError, unary: y and x write and read the buffer x in one call, which WebGPU forbids " +
      "even for separate regions; give one of them its own buffer",
    ],
    [
      {
        ...confidence,
        regions: [...confidence.regions, { ...part(0, 128), dtype: "u32" }, part(64)],
      },
      "TypeError, confidence: labels and mask write overlapping regions of the buffer x",
    ],
  ];
}

async function refusalOf(backend: Backend, calls: readonly Call[]): Promise<string> {
  try {
    (await backend.prepare(calls, "plan")).dispose();
    return "none";
  } catch (error) {
    assert(error instanceof Error);
    return `${error.name}: ${error.message}`;
  }
}

/** Gives each wrong call, behind one that is right, to a backend. */
async function checkRefusals(backend: Backend): Promise<void> {
  const other = new OracleBackend();
  for (const [call, refusal] of wrongCalls(backend, other)) {
    const [kind, words] = [
      refusal.slice(0, refusal.indexOf(",")),
      refusal.slice(refusal.indexOf(",") + 2),
    ];
    const right: Call = {
      kernel: KERNELS.advance,
      constants: {},
      params: { by: 1 },
      regions: [{ buffer: backend.allocate(4, "n"), offset: 0, length: 1, dtype: "u32" }],
    };
    assertEquals(
      await refusalOf(backend, [right, call]),
      `${kind}: Cannot prepare plan: call 1, ${words}`,
    );
  }
}

/** A variable assigned to itself keeps its values; to another part of its memory, it is refused. */
async function checkAssignments(backend: Backend): Promise<void> {
  using state = new State(backend);
  const v = state.variable("v", [2, 64], { data: Float32Array.from({ length: 128 }, (_, i) => i) });
  const part = (first: number) =>
    new Variable(backend, `row ${first}`, [64], { ...v.region, offset: 64 * first, length: 64 });
  const program = await trace(backend, () => {
    assign(v, reshape(stopGradient(reshape(v, [128])), [2, 64]));
    assign(part(1), part(1));
    return { sum: add(v, v) };
  }, "to itself");
  program.run();
  assertEquals([...await v.read()], Array.from({ length: 128 }, (_, i) => i));
  program.dispose();
  const words = await trace(backend, () => {
    assign(part(0), part(1));
    return {};
  }, "to a neighbour").then(() => "none", (error: Error) => `${error.name}: ${error.message}`);
  assertEquals(
    words,
    "TypeError: Cannot prepare to a neighbour: call 0, unary: y and x write and read the buffer v " +
      "in one call, which WebGPU forbids even for separate regions; give one of them its own buffer",
  );
}

const BACKENDS: Record<string, () => Promise<Backend>> = {
  oracle: () => Promise.resolve(new OracleBackend()),
  cpu: () => openCpuBackend({ threads: 2 }),
  webgpu: () => openWebGpuBackend(),
};

for (const [name, open] of Object.entries(BACKENDS)) {
  const test = name === "webgpu" ? gpuTest : Deno.test;
  test(`${name}: wrong calls are refused in the words of the others`, async () => {
    const backend = await open();
    await checkRefusals(backend);
    await backend.dispose();
  });

  test(`${name}: a variable may be assigned to itself, not to a part of itself`, async () => {
    const backend = await open();
    await checkAssignments(backend);
    await backend.dispose();
  });
}

Deno.test("a kernel touches nothing past the lengths that it states, and its cases hold them", () => {
  for (const kernel of Object.values(KERNELS)) {
    for (const { name, params, constants: given, buffers } of kernel.cases()) {
      const constants = { ...kernel.constants, ...given };
      const lengths = kernel.lengths(params, constants);
      assertEquals(lengths.length, kernel.bindings.length, kernel.name);
      const what = `${kernel.name}, ${name}`;
      lengths.forEach((length, i) => assert(length <= buffers[i].length, what));
      // Arrays that notice a place outside of themselves.
      const views = kernel.bindings.map(({ type }, i) => {
        const values = type === "f32" ? new Float64Array(lengths[i]) : new Uint32Array(lengths[i]);
        const fill = buffers[i].fill;
        for (let e = 0; e < values.length && fill !== undefined; e++) {
          values[e] = fill.kind === "values" ? fill.values[e] : fill.low;
        }
        return fenced(values, `${what}: ${kernel.bindings[i].name}`);
      });
      const extent = kernel.extent(params, constants);
      const [first, last] = [Math.min(20, extent), Math.max(0, extent - 20)];
      kernel.reference(views, params, constants, 0, first);
      kernel.reference(views, params, constants, last, extent);
    }
  }
});

function fenced(values: Float64Array | Uint32Array, what: string): NumberArray {
  const outside = (key: string | symbol) => {
    if (typeof key === "string" && /^-?\d+$/.test(key) && !(Number(key) < values.length)) {
      throw new RangeError(`${what}[${key}] is outside of ${values.length} elements`);
    }
  };
  return new Proxy(values, {
    get(target, key) {
      outside(key);
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
    set(target, key, value) {
      outside(key);
      return Reflect.set(target, key, value, target);
    },
  });
}
