import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import fc from "fast-check";
import type { Backend, Region } from "../engine/backend/backend.ts";
import { DeviceLostError, NoDeviceError, ShaderError } from "../engine/backend/errors.ts";
import { isHardware, listAdapters } from "../engine/webgpu/adapter.ts";
import { openWebGpuBackend, type WebGpuBackend } from "../engine/webgpu/backend.ts";
import { openGpuDevice } from "../engine/webgpu/device.ts";
import { foldWorkgroups, packParams } from "../engine/webgpu/dispatch.ts";
import { dense } from "../kernels/dense.ts";
import type { Kernel, Shader } from "../kernels/kernel.ts";
import { gpuTest } from "./gpu.ts";
import { scale, withDefect } from "./kernel_fixture.ts";

async function withBackend(fn: (backend: WebGpuBackend) => Promise<void>): Promise<void> {
  const backend = await openWebGpuBackend();
  try {
    await fn(backend);
  } finally {
    await backend.dispose();
  }
}

function region(backend: Backend, length: number, label: string): Region {
  return { buffer: backend.allocate(4 * length, label), offset: 0, length, dtype: "f32" };
}

Deno.test("foldWorkgroups covers every total with few groups too many", () => {
  fc.assert(fc.property(
    fc.integer({ min: 0, max: 65_535 ** 2 }),
    fc.integer({ min: 1, max: 65_535 }),
    (total, limit) => {
      fc.pre(Math.ceil(total / limit) <= limit);
      const [x, y] = foldWorkgroups(total, limit, "k");
      assert(x <= limit && y <= limit && x * y >= total && x * y - total < y);
    },
  ));
  assertEquals(foldWorkgroups(65_535, 65_535, "k"), [65_535, 1]);
  assertEquals(foldWorkgroups(65_536, 65_535, "k"), [32_768, 2]);
  assertThrows(() => foldWorkgroups(65_535 ** 2 + 1, 65_535, "dense"), RangeError, "dense: 42948");
});

Deno.test("packParams gives a word a parameter, in order", () => {
  assertEquals([...packParams(scale, { factor: 0.5, n: 3 })], [3, 0x3f000000]);
});

Deno.test("software adapters are told from hardware", () => {
  const named = (description: string, vendor = "") => ({
    vendor,
    architecture: "",
    device: "",
    description,
  });
  assert(isHardware(named("NVIDIA H100 80GB HBM3")));
  assert(!isHardware(named("llvmpipe (LLVM 15.0.6, 256 bits)")));
  assert(!isHardware({ ...named("", "google"), architecture: "swiftshader" }));
  assert(!isHardware({ ...named("Some GPU"), isFallbackAdapter: true }));
});

gpuTest("a million steps are enqueued at once and run in order", async () => {
  await withBackend(async (backend) => {
    const x = region(backend, 3, "x");
    const y = region(backend, 3, "y");
    backend.write(x, Float32Array.of(1, 2, 3));
    const there = { kernel: scale, constants: {}, params: { n: 3, factor: 2 }, regions: [x, y] };
    const back = { kernel: scale, constants: {}, params: { n: 3, factor: 1 }, regions: [y, x] };
    const double = await backend.prepare([there, back], "double");
    double.run(5);
    const reading = backend.read([x]);
    backend.write(x, Float32Array.of(1, 0, 0));
    double.run(20);
    double.run(3);
    assertEquals((await reading)[0], Float32Array.of(32, 64, 96));
    assertEquals((await backend.read([x, y])).map((a) => a[0]), [2 ** 23, 2 ** 23]);
    backend.write(x, Float32Array.of(0, 0, 0));
    double.run(2000);
    backend.write(x, Float32Array.of(7, 0, 0));
    assertEquals((await backend.read([x]))[0], Float32Array.of(7, 0, 0));
    double.dispose();
  });
});

gpuTest("more than 65,535 workgroups are folded", async () => {
  await withBackend(async (backend) => {
    const n = 5_000_003;
    const x = region(backend, n, "x");
    const y = region(backend, n, "y");
    const values = Float32Array.from({ length: n }, (_, i) => i);
    backend.write(x, values);
    const params = { n, factor: 1 };
    const copy = await backend.prepare(
      [{ kernel: scale, constants: {}, params, regions: [x, y] }],
      "copy",
    );
    copy.run(1);
    assertEquals((await backend.read([y]))[0], values);
  });
});

gpuTest("the bits of NaN and windows of buffers are kept", async () => {
  await withBackend(async (backend) => {
    const buffer = backend.allocate(4 * 200, "words");
    const words = Uint32Array.of(0x7fc12345, 0xffffffff, 0x80000000, 0x00000001);
    const at = (dtype: "u32" | "f32", offset: number, length: number): Region => ({
      buffer,
      offset,
      length,
      dtype,
    });
    backend.write(at("f32", 64, 4), new Float32Array(words.buffer));
    const [u32, f32, none] = await backend.read([
      at("u32", 0, 200),
      at("f32", 64, 4),
      at("f32", 128, 0),
    ]);
    assertInstanceOf(f32, Float32Array);
    assertEquals(new Uint32Array(f32.buffer), words);
    assertEquals(u32.subarray(63, 69), Uint32Array.of(0, ...words, 0));
    assertEquals(none.length, 0);
  });
});

gpuTest("empty calls are skipped and empty regions are bound", async () => {
  await withBackend(async (backend) => {
    const x = region(backend, 4, "x");
    const empty = { ...x, length: 0 };
    backend.write(x, Float32Array.of(1, 2, 3, 4));
    // Robust buffer access, and not the kernel, keeps it from reaching anything.
    const kernel = { ...scale, lengths: () => [0, 0] };
    const call = (n: number, regions: Region[]) => ({
      kernel,
      constants: {},
      params: { n, factor: 2 },
      regions,
    });
    const executable = await backend.prepare(
      [call(0, [x, empty]), call(4, [x, empty]), call(4, [empty, { ...x, length: 0 }])],
      "empty",
    );
    executable.run(2);
    assertEquals((await backend.read([x]))[0], Float32Array.of(1, 2, 3, 4));
  });
});

gpuTest("writes and allocations that WebGPU would refuse are explained", async () => {
  await withBackend(async (backend) => {
    const x = region(backend, 64, "x");
    assertThrows(() => backend.write(x, new Float32Array(3)), RangeError, "region of 64");
    assertThrows(() => backend.write(x, new Uint32Array(64)), TypeError, "data is u32");
    assertThrows(() => backend.allocate(2 ** 52, "all"), RangeError, "Cannot allocate all");
    await Promise.resolve();
  });
});

gpuTest("a region above the binding limit names kernel, binding, size and limit", async () => {
  await withBackend(async (backend) => {
    const length = backend.maxRegionBytes / 4 + 64;
    const x = region(backend, length, "x");
    const y = region(backend, 64, "y");
    const params = { n: 64, factor: 1 };
    const call = { kernel: scale, constants: {}, params, regions: [x, y] };
    const error = await assertRejects(() => backend.prepare([call], "p"), RangeError);
    for (const part of ["scale", "region of x", `${4 * length}`, `${backend.maxRegionBytes}`]) {
      assertStringIncludes(error.message, part);
    }
    const window = { ...x, offset: 64, length: 64 };
    backend.write(window, new Float32Array(64).fill(3));
    (await backend.prepare([{ ...call, regions: [window, y] }], "p")).run(1);
    assertEquals((await backend.read([y]))[0], new Float32Array(64).fill(3));
  });
});

gpuTest("shader errors name file, line and column", async () => {
  await withBackend(async (backend) => {
    const regions = [region(backend, 64, "x"), region(backend, 64, "y")];
    const prepare = (kernel: typeof scale, constants = {}) =>
      backend.prepare([{ kernel, constants, params: { n: 64, factor: 1 }, regions }], "p");
    const broken = withDefect(scale, "if i >=", "if j >=");
    const error = await assertRejects(() => prepare(broken), ShaderError);
    assertEquals([error.file, error.line, error.column], ["scale.wgsl", 16, 6]);
    assertStringIncludes(error.message, "scale.wgsl:16:6: ");
    const unnamed = { ...scale, constants: { ...scale.constants, CUBE: 1 } };
    await assertRejects(() => prepare(unnamed), ShaderError, "CUBE");
    const dynamic = { ...scale, bindings: [scale.bindings[0], scale.bindings[0]] };
    await assertRejects(() => prepare(dynamic), ShaderError, "scale.wgsl: ");
    assertEquals((await backend.read([regions[0]]))[0].length, 64);
  });
});

gpuTest("errors of a shader of several files name the file and the line in it", async () => {
  await withBackend(async (backend) => {
    const regions = dense.bindings.map(({ name }) => region(backend, 1, name));
    const params = { m: 1, k: 1, n: 1, stride: 1 };
    const prepare = (kernel: Kernel) =>
      backend.prepare([{ kernel, constants: {}, params, regions }], "p");
    const [shader] = dense.shaders;
    for (const [i, piece] of ["params.k;", "columns())", "lane / "].entries()) {
      const files = [...shader.head!, shader].map(({ file, source }) => ({ file, source }));
      assertStringIncludes(files[i].source, piece);
      files[i].source = files[i].source.replace(piece, "nowhere + $&");
      const before = files[i].source.split("nowhere")[0].split("\n");
      const place = [files[i].file, before.length, before[before.length - 1].length + 1];
      const broken: Shader = { ...shader, ...files.pop(), head: files };
      const kernel: Kernel = { ...dense, shaders: [broken], choose: () => broken };
      const { file, line, column } = await assertRejects(() => prepare(kernel), ShaderError);
      assertEquals([file, line, column], place);
    }
    const names = "dense.wgsl + product.wgsl + product_";
    const cubed: Kernel = { ...dense, constants: { ...dense.constants, CUBE: 1 } };
    await assertRejects(() => prepare(cubed), ShaderError, names);
  });
});

gpuTest("memory is counted and given back", async () => {
  await withBackend(async (backend) => {
    const start = backend.memory();
    const x = region(backend, 5, "x");
    const y = region(backend, 5, "y");
    assertEquals(backend.memory().bytes - start.bytes, 64);
    const params = { n: 5, factor: 1 };
    const call = { kernel: scale, constants: {}, params, regions: [x, y] };
    const executable = await backend.prepare([call], "p");
    executable.run(1000);
    await backend.read([x, y]);
    executable.run(1000);
    executable.dispose();
    assertThrows(() => executable.run(1), Error, "disposed");
    x.buffer.free();
    y.buffer.free();
    y.buffer.free();
    await backend.read([]);
    assertEquals(backend.memory().bytes, start.bytes);
    assertEquals(backend.memory().buffers, start.buffers);
    assert(backend.memory().peakBytes > 64);
  });
});

gpuTest("a failure reported by the device is remembered", async () => {
  const { gpu, health } = await openGpuDevice();
  health.check();
  gpu.createBuffer({ size: 3, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE });
  await gpu.queue.onSubmittedWorkDone();
  const error = assertThrows(() => health.check(), DeviceLostError);
  assertEquals(error.reason, "validation");
  gpu.destroy();
  await gpu.lost;
  assertEquals(assertThrows(() => health.check(), DeviceLostError), error);
});

gpuTest("a read during disposal fails, and so does all use afterwards", async () => {
  const backend = await openWebGpuBackend();
  const x = region(backend, 4, "x");
  const reading = backend.read([x]);
  const disposal = backend.dispose();
  await reading.catch((error) => assertInstanceOf(error, DeviceLostError));
  await disposal;
  await assertRejects(() => backend.read([x]), Error, "disposed");
  assertThrows(() => backend.allocate(4, "z"), Error, "disposed");
});

gpuTest("adapters are listed; hardware is not found where there is none", async () => {
  const adapters = await listAdapters();
  assert(adapters.length > 0);
  for (const adapter of adapters) {
    assert(adapter.title.length > 0 && adapter.limits.maxBufferSize > 0);
    assertEquals(adapter.class, isHardware(adapter) ? "hardware" : "software");
  }
  if (adapters.every((adapter) => adapter.class === "software")) {
    await assertRejects(
      () => openWebGpuBackend({ adapter: "hardware" }),
      NoDeviceError,
      "software",
    );
  }
});

gpuTest("variants in use are recorded and can be forced", async () => {
  const other = { ...scale.shaders[0], file: "scale_software.wgsl" };
  const kernel = { ...scale, shaders: [scale.shaders[0], other] as const, choose: () => other };
  const use = async (backend: WebGpuBackend) => {
    const regions = [region(backend, 64, "x"), region(backend, 64, "y")];
    await backend.prepare([{ kernel, constants: {}, params: { n: 64, factor: 1 }, regions }], "p");
    return backend.info.shaders;
  };
  await withBackend(async (backend) =>
    assertEquals(await use(backend), { scale: ["scale_software.wgsl"] })
  );
  const forced = await openWebGpuBackend({ shader: (kernel) => kernel.shaders[0] });
  assertEquals(await use(forced), { scale: ["scale.wgsl"] });
  await forced.dispose();
});
