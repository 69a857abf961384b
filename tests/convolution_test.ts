import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import type { Backend } from "../engine/backend/backend.ts";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { checkGradients } from "../engine/gradient/gradcheck.ts";
import { gradients } from "../engine/gradient/gradient.ts";
import { add, mul } from "../engine/ops/binary.ts";
import { convolution, transposedConvolution } from "../engine/ops/convolution.ts";
import { fold, unfold } from "../engine/ops/patches.ts";
import { sum } from "../engine/ops/sum.ts";
import { OracleBackend } from "../engine/backend/oracle.ts";
import { trace } from "../engine/planner/program.ts";
import { RandomStream } from "../engine/random.ts";
import { type Shape, sizeOf } from "../engine/tensor/shape.ts";
import { State } from "../engine/state/state.ts";
import { Tensor } from "../engine/tensor/tensor.ts";
import { openWebGpuBackend } from "../engine/webgpu/backend.ts";
import { WASM_KERNELS } from "../engine/cpu/wasm/table.ts";
import { gpuTest } from "./gpu.ts";

interface Geometry {
  readonly x: Shape;
  readonly k: number;
  readonly f: number;
  readonly stride: number;
  readonly padding: number;
  /** Sizes of the output. */
  readonly out: Shape;
}

const GEOMETRIES: readonly Geometry[] = [
  { x: [2, 5, 5, 3], k: 3, f: 4, stride: 1, padding: 0, out: [3, 3] },
  { x: [3, 28, 28, 1], k: 4, f: 5, stride: 2, padding: 0, out: [13, 13] },
  { x: [1, 13, 13, 5], k: 5, f: 3, stride: 2, padding: 2, out: [7, 7] },
  { x: [2, 14, 14, 2], k: 5, f: 3, stride: 2, padding: 2, out: [7, 7] },
  { x: [2, 3, 2, 2], k: 2, f: 2, stride: 1, padding: 1, out: [4, 3] },
];

function draw(stream: number, shape: Shape): Float32Array {
  const random = new RandomStream(3, stream);
  return Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(-1, 1));
}

/** The definition, in plain loops: y of x, or x of y where `y` is given. */
function convolve(
  { x: [n, h, w, c], k, f, stride, padding, out: [oh, ow] }: Geometry,
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  visit: (x: number, y: number, weight: number) => void,
): void {
  assertEquals([x.length, weight.length], [n * h * w * c, k * k * c * f]);
  for (let i = 0; i < n; i++) {
    for (let py = 0; py < oh; py++) {
      for (let px = 0; px < ow; px++) {
        for (let ky = 0; ky < k; ky++) {
          for (let kx = 0; kx < k; kx++) {
            const [row, column] = [py * stride + ky - padding, px * stride + kx - padding];
            if (row < 0 || row >= h || column < 0 || column >= w) continue;
            for (let a = 0; a < c; a++) {
              for (let b = 0; b < f; b++) {
                visit(
                  ((i * h + row) * w + column) * c + a,
                  ((i * oh + py) * ow + px) * f + b,
                  ((ky * k + kx) * c + a) * f + b,
                );
              }
            }
          }
        }
      }
    }
  }
}

/** Both convolutions of a geometry, and their gradients, beside the definition. */
async function check(backend: Backend, geometry: Geometry, tolerance: number): Promise<void> {
  const { x: [n, h, width, c], k, f, stride, padding, out } = geometry;
  using state = new State(backend);
  const shapes = { x: geometry.x, w: [k, k, c, f], b: [f], y: [n, ...out, f], a: [c] };
  const values = Object.fromEntries(
    Object.entries(shapes).map(([name, shape], i) => [name, draw(i, shape)]),
  );
  const [x, w, b, y, a] = Object.entries(shapes).map(([name, shape]) =>
    state.variable(name, shape, { data: values[name] })
  );
  const options = { stride, padding };
  using program = await trace(backend, () => {
    const forward = convolution(x, w, b, options);
    const back = transposedConvolution(y, w, a, { ...options, size: [h, width] });
    const [dx, dw, db] = gradients(sum(mul(forward, y)), [x, w, b]);
    const [ey, ew, ea] = gradients(sum(mul(back, x)), [y, w, a]);
    return { forward, back, dx, dw, db, ey, ew, ea };
  });
  if (backend.info.kind === "cpu") {
    for (const { kernel, params, constants } of program.plan.calls) {
      if (!/fold|dense/.test(kernel.name)) continue;
      assert(WASM_KERNELS[kernel.name]!.supports(params, constants), kernel.name);
    }
  }
  program.run();
  const found = await program.read();
  const pixels = sizeOf(shapes.y) / f;
  const wanted = {
    forward: Float64Array.from({ length: pixels * f }, (_, i) => values.b[i % f]),
    back: Float64Array.from({ length: values.x.length }, (_, i) => values.a[i % c]),
    dx: new Float64Array(values.x.length),
    dw: new Float64Array(values.w.length),
    db: new Float64Array(f),
    ey: new Float64Array(values.y.length),
    ea: new Float64Array(c),
  };
  convolve(geometry, values.x, values.w, (xi, yi, wi) => {
    wanted.forward[yi] += values.x[xi] * values.w[wi];
    wanted.back[xi] += values.y[yi] * values.w[wi];
    wanted.dx[xi] += values.y[yi] * values.w[wi];
    wanted.dw[wi] += values.x[xi] * values.y[yi];
    wanted.ey[yi] += values.x[xi] * values.w[wi];
  });
  values.y.forEach((value, i) => wanted.db[i % f] += value);
  values.x.forEach((value, i) => wanted.ea[i % c] += value);
  // ⟨conv(x), y⟩ = ⟨x, transposed(y)⟩: both have the same gradient by the weights.
  for (const [name, list] of Object.entries({ ...wanted, ew: wanted.dw })) {
    const actual = found[name as keyof typeof found];
    assertEquals(actual.length, list.length, name);
    list.forEach((value, i) => assertAlmostEquals(actual[i], value, tolerance, `${name}[${i}]`));
  }
}

Deno.test("convolutions and their gradients are what the definition says", async () => {
  const oracle = new OracleBackend();
  const cpu = await openCpuBackend({ threads: 2 });
  for (const geometry of GEOMETRIES) {
    await check(oracle, geometry, 1e-12);
    await check(cpu, geometry, 1e-3);
  }
  assertEquals(cpu.memory().bytes, 0);
  await cpu.dispose();
});

gpuTest("on WebGPU too", async () => {
  const backend = await openWebGpuBackend();
  for (const geometry of GEOMETRIES) await check(backend, geometry, 1e-3);
  await backend.dispose();
});

Deno.test("gradients of gradients of convolutions agree with differences", async () => {
  const oracle = new OracleBackend();
  using state = new State(oracle);
  const x = state.variable("x", [1, 4, 5, 2], { data: draw(1, [1, 4, 5, 2]) });
  const w = state.variable("w", [3, 3, 2, 2], { data: draw(2, [3, 3, 2, 2]) });
  const loss = () => {
    const y = convolution(x, w, undefined, { stride: 2, padding: 1 });
    const [dx] = gradients(sum(mul(y, y)), [x]);
    return add(sum(mul(dx, dx)), sum(y));
  };
  const { passed, place } = await checkGradients(oracle, { name: "twice", targets: [x, w], loss });
  assert(passed, place);
});

Deno.test("what does not fit is an error that says so", () => {
  const x = new Tensor([2, 8, 8, 3], "f32");
  const w = new Tensor([3, 3, 3, 4], "f32");
  const cases: [() => Tensor, string][] = [
    [() => convolution(x, new Tensor([3, 3, 2, 4], "f32")), "with c = 3, the channels of x"],
    [() => convolution(x, new Tensor([3, 2, 3, 4], "f32")), "got [3, 2, 3, 4]"],
    [() => convolution(x, w, undefined, { padding: 3 }), "padding must be less than the 3 pixels"],
    [() => convolution(x, w, undefined, { stride: 0 }), "stride must be an integer ≥ 1, got 0"],
    [() => convolution(x, w, undefined, { padding: 0.5 }), "padding must be an integer ≥ 0"],
    [() => convolution(x, w, new Tensor([3], "f32")), "b must have the shape [4]"],
    [() => unfold(x, 9), "patches of 9×9 pixels do not fit images of 8×8 with padding 0"],
    [() => fold(x, [2, 8, 8, 3], 3), "the patches of images [2, 8, 8, 3] must have the shape"],
    [() => transposedConvolution(x, w), "with f = 3, the channels of x"],
    [
      () => transposedConvolution(new Tensor([1, 2, 2, 4], "f32"), w, undefined, { size: [5, 4] }),
      "the patches of images [1, 5, 4, 3] must have the shape [6, 27], got [4, 27]",
    ],
  ];
  for (const [make, message] of cases) assertThrows(make, RangeError, message);
});
