/** An op and a kernel that are in no registry, as a user of the module writes them. */
import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import type { Backend, Call, Region } from "../engine/backend/backend.ts";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { checkOp } from "../engine/gradient/gradcheck.ts";
import { gradients } from "../engine/gradient/gradient.ts";
import { apply } from "../engine/tensor/op.ts";
import { mul } from "../engine/ops/binary.ts";
import { dense } from "../engine/ops/dense.ts";
import { sum } from "../engine/ops/sum.ts";
import { OracleBackend } from "../engine/backend/oracle.ts";
import { trace } from "../engine/planner/program.ts";
import { State } from "../engine/state/state.ts";
import type { Op, Tensor } from "../engine/tensor/tensor.ts";
import { openWebGpuBackend } from "../engine/webgpu/backend.ts";
import { groupsOf, type Kernel, ULP } from "../kernels/kernel.ts";
import { KERNELS } from "../kernels/registry.ts";
import { gpuTest } from "./gpu.ts";

/** y = x³, or 3·x². */
const cubeKernel: Kernel = {
  name: "cube",
  bindings: [
    { name: "x", type: "f32", access: "read" },
    { name: "y", type: "f32", access: "write" },
  ],
  params: [{ name: "n", type: "u32" }],
  constants: { DERIVATIVE: 0 },
  shaders: [{
    file: "cube.wgsl",
    source: `
struct Params { n: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;
override DERIVATIVE: u32 = 0u;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  if (i >= params.n) { return; }
  y[i] = x[i] * x[i] * select(x[i], 3.0, DERIVATIVE == 1u);
}`,
    workgroups: ({ n }) => groupsOf(n, 64),
  }],
  lengths: ({ n }) => [n, n],
  extent: ({ n }) => n,
  reference([x, y], _params, { DERIVATIVE }, begin, end) {
    for (let i = begin; i < end; i++) y[i] = x[i] * x[i] * (DERIVATIVE ? 3 : x[i]);
  },
  cases: () => [],
  tolerance: () => ({ absolute: 0, relative: 2 * ULP }),
  cost: ({ n }) => ({ flops: 2 * n, bytes: 8 * n }),
};

function cubing(name: string, DERIVATIVE: number, gradient: Op<null>["gradient"]): Op<null> {
  return {
    name,
    memory: "value",
    infer: ([x]) => [x],
    lower: ({ inputs: [x], outputs: [y] }, emit) =>
      emit.call(cubeKernel, { DERIVATIVE }, { n: x.size }, [x, y]),
    gradient,
    examples: [{ name: "matrix", inputs: [{ shape: [3, 4] }], attributes: null }],
  };
}

const cubeGradientOp = cubing("cubeGradient", 1, { none: "first derivatives are enough" });
const cubeOp = cubing("cube", 0, ({ inputs: [x] }, [g]) => [
  mul(g!, apply(cubeGradientOp, [x], null)[0]),
]);

const cube = (x: Tensor) => apply(cubeOp, [x], null)[0];

/** Values and gradients of Σ (x·w)³ after two replays, by which x has changed once. */
async function results(backend: Backend): Promise<number[][]> {
  using state = new State(backend);
  const data = (n: number) => Float32Array.from({ length: n }, (_, i) => Math.sin(i + 1));
  const x = state.variable("x", [70, 3], { data: data(210) });
  const w = state.variable("w", [3, 4], { data: data(12) });
  using own = await trace(backend, () => {
    const y = cube(dense(x, w));
    const [dx, dw] = gradients(sum(y), [x, w]);
    return { y, dx, dw };
  });
  // A program for the workers alone, between two that are not.
  using doubled = await trace(backend, () => ({ y: dense(x, w) }));
  own.run();
  doubled.run();
  x.write(data(210).map((value) => value / 2));
  own.run();
  const [values, product] = [await own.read(), await doubled.read()];
  return [values.y, values.dx, values.dw, product.y].map((list) => Array.from(list));
}

Deno.test("the gradient of an op of one's own is checked as the others are", async () => {
  const { passed, place } = await checkOp(cubeOp, cubeOp.examples[0]);
  assert(passed, place);
});

async function agrees(backend: Backend): Promise<number[][]> {
  const expected = await results(new OracleBackend());
  const actual = await results(backend);
  expected.forEach((list, i) =>
    list.forEach((value, j) =>
      assertLess(Math.abs(actual[i][j] - value), 1e-5 * (1 + Math.abs(value)), `${i}, ${j}`)
    )
  );
  await backend.dispose();
  return actual;
}

Deno.test("a kernel of one's own runs on the CPU, the same for 1 and 2 threads", async () => {
  const one = await agrees(await openCpuBackend({ threads: 1 }));
  assertEquals(await agrees(await openCpuBackend({ threads: 2 })), one);
});

gpuTest("a kernel of one's own runs on WebGPU", async () => {
  await agrees(await openWebGpuBackend());
});

for (const threads of [1, 2]) {
  Deno.test(`cpu, ${threads} threads: a kernel is taken by what it is, not by its name`, async () => {
    const backend = await openCpuBackend({ threads, profile: true });
    const region = (): Region => {
      const buffer = backend.allocate(4 * 64, "64 numbers");
      return { buffer, offset: 0, length: 64, dtype: "f32" };
    };
    const [x, y] = [region(), region()];
    backend.write(x, new Float32Array(64).fill(2));
    // The name of a kernel that has a WebAssembly version with parameters of its own.
    const call: Call = {
      kernel: { ...cubeKernel, name: "unary" },
      constants: {},
      params: { n: 64 },
      regions: [x, y],
    };
    const cubed = await backend.prepare([call], "cubes");
    assertEquals(cubed.passes, [{ call: 0, variant: "reference" }]);
    const halved: Call = {
      kernel: KERNELS.unary,
      constants: { OP: 1 },
      params: { n: 64, a: 0.5, b: 0 },
      regions: [y, x],
    };
    const halve = await backend.prepare([halved], "halves");
    // 2 -> 8 -> 4 -> 64 -> 32
    for (let i = 0; i < 2; i++) {
      cubed.run(1);
      halve.run(1);
    }
    assertEquals(new Set((await backend.read([x]))[0]), new Set([32]));
    assertEquals((await cubed.times!()).steps, 2);
    cubed.dispose();
    await backend.dispose();
  });

  Deno.test(`cpu, ${threads} threads: a kernel of one's own that fails is reported`, async () => {
    const backend = await openCpuBackend({ threads });
    const [x, y] = ["x", "y"].map((name): Region => ({
      buffer: backend.allocate(256, name),
      offset: 0,
      length: 64,
      dtype: "f32",
    }));
    const failing: Kernel = {
      ...cubeKernel,
      reference: () => {
        throw new RangeError("no such cube");
      },
    };
    const call: Call = { kernel: failing, constants: {}, params: { n: 64 }, regions: [x, y] };
    const program = await backend.prepare([call], "cubes");
    const after = await backend.prepare([{ ...call, kernel: cubeKernel }], "cubes");
    program.run(3);
    await assertRejects(() => backend.read([y]), Error, "cube: no such cube");
    backend.write(x, new Float32Array(64).fill(3));
    after.run(1);
    assertEquals(new Set((await backend.read([y]))[0]), new Set([27]));
    await backend.dispose();
  });
}
