import {
  assert,
  assertEquals,
  assertGreater,
  assertLessOrEqual,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import fc from "fast-check";
import type { Backend, Call, CpuInfo, Region } from "../engine/backend/backend.ts";
import { BlockAllocator } from "../engine/cpu/allocator.ts";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { isSameArithmetic } from "../engine/device.ts";
import { OracleBackend } from "../engine/backend/oracle.ts";
import { auditTile } from "../engine/cpu/tile_audit.ts";
import type { KernelCase, NumberArray } from "../kernels/kernel.ts";
import { KERNELS } from "../kernels/registry.ts";
import { UNARY } from "../kernels/unary.ts";

type Options = Parameters<typeof openCpuBackend>[0];
type Cpu = Awaited<ReturnType<typeof openCpuBackend>>;

/** Opens a backend for the length of `body`. */
async function using(options: Options, body: (backend: Cpu) => Promise<void>): Promise<void> {
  const backend = await openCpuBackend(options);
  try {
    await body(backend);
  } finally {
    await backend.dispose();
  }
}

/** A buffer of its own with a view of all of it. */
function region(backend: Backend, length: number, dtype: "f32" | "u32" = "f32"): Region {
  return { buffer: backend.allocate(length * 4, "test"), offset: 0, length, dtype };
}

/** The call y = a·x + b. */
function affine(x: Region, y: Region, a: number, b: number): Call {
  return {
    kernel: KERNELS.unary,
    constants: { OP: UNARY.affine },
    params: { n: x.length, a, b },
    regions: [x, y],
  };
}

/** A reproducible generator of numbers in [0, 1). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

/** Guard elements on each side of a region. */
const GUARD = 64;
/** A NaN that no kernel makes. */
const POISON = 0x7fc0dead;

interface CaseResult {
  readonly outputs: (Float32Array | Float64Array | Uint32Array)[];
  /** What the reference makes of it in float64. */
  readonly expected: () => (Float64Array | Uint32Array)[];
}

/** Runs a case with guards around its regions. */
async function runCase(backend: Backend, name: string, test: KernelCase): Promise<CaseResult> {
  const kernel = KERNELS[name];
  const random = generator(test.name.length + test.buffers.length);
  const regions: Region[] = [];
  const buffers = test.buffers.map(({ length, fill }, i) => {
    const isFloat = kernel.bindings[i].type === "f32";
    const values = isFloat ? new Float64Array(length) : new Uint32Array(length);
    for (let e = 0; e < length && fill !== undefined; e++) {
      const unit = random();
      const value = fill.kind === "values"
        ? fill.values[e]
        : fill.kind === "integer"
        ? fill.low + Math.floor((fill.high - fill.low) * unit)
        : fill.low + (fill.high - fill.low) * unit;
      values[e] = isFloat ? Math.fround(value) : value;
    }
    const buffer = backend.allocate((length + 2 * GUARD) * 4, kernel.bindings[i].name);
    const poison = new Uint32Array(length + 2 * GUARD).fill(POISON);
    backend.write({ buffer, offset: 0, length: poison.length, dtype: "u32" }, poison);
    const dtype = isFloat ? "f32" : "u32";
    const inner: Region = { buffer, offset: GUARD, length, dtype };
    if (fill !== undefined) {
      backend.write(inner, isFloat ? new Float32Array(values) : values as Uint32Array);
    }
    regions.push(inner);
    return values;
  });
  const { constants, params } = test;
  const program = await backend.prepare([{ kernel, constants, params, regions }], test.name);
  program.run(1);
  const outputs = await backend.read(regions);
  const whole = await backend.read(
    regions.map(({ buffer }): Region => (
      { buffer, offset: 0, length: buffer.byteLength / 4, dtype: "u32" }
    )),
  );
  const guards = whole.flatMap((words) => [...words.slice(0, GUARD), ...words.slice(-GUARD)]);
  assert(guards.every((word) => word === POISON), "wrote out of bounds");
  program.dispose();
  regions.forEach(({ buffer }) => buffer.free());
  const expected = () => {
    const all = { ...kernel.constants, ...constants };
    kernel.reference(buffers, params, all, 0, kernel.extent(params, all));
    return buffers;
  };
  return { outputs, expected };
}

/** A case of a dense kernel with numbers in [−1, 1). */
function denseCase(
  name: string,
  shape: Record<string, number>,
  constants: Record<string, number>,
): KernelCase {
  const { m, k, n } = shape;
  const params = name === "dense" ? { ...shape, stride: k } : shape;
  const lengths: Record<string, number[]> = {
    dense: [m * k, k * n, constants.USE_BIAS ? n : 1, m * n],
    dense_input_gradient: [m * n, k * n, constants.MASK ? m * k : 1, m * k],
    dense_weight_gradient: [m * k, m * n, constants.BIAS ? n : 1, k * n],
  };
  const isOutput = (i: number) => i === lengths[name].length - 1;
  return {
    name: `${name} ${JSON.stringify({ ...params, ...constants })}`,
    params,
    constants,
    buffers: lengths[name].map((length, i) =>
      isOutput(i) ? { length } : { length, fill: { kind: "uniform", low: -1, high: 1 } }
    ),
  };
}

const EPILOGUES: readonly [string, Record<string, number>][] = [
  ["dense", { ACT: 0, USE_BIAS: 0 }],
  ["dense", { ACT: 0, USE_BIAS: 1 }],
  ["dense", { ACT: 1, USE_BIAS: 0 }],
  ["dense", { ACT: 1, USE_BIAS: 1 }],
  ["dense_input_gradient", { MASK: 0 }],
  ["dense_input_gradient", { MASK: 1 }],
  ["dense_weight_gradient", { BIAS: 0 }],
  ["dense_weight_gradient", { BIAS: 1 }],
];

/**
 * Shapes at the edges of tiles (5 or 6 × 8 or 16), vectors (4), row blocks and blocks of the depth (512 or
 * 256).
 */
const SHAPES: readonly (readonly [m: number, k: number, n: number])[] = [
  [1, 1, 1],
  [6, 4, 8],
  [5, 3, 7],
  [7, 5, 9],
  [12, 9, 12],
  [13, 6, 10],
  [10, 7, 16],
  [11, 8, 29],
  [64, 513, 3],
  [19, 1027, 11],
  [131, 12, 31],
  [3, 8, 521],
  [600, 17, 2],
];

Deno.test("cpu: dense kernels agree with the reference at every edge", async () => {
  await using({ threads: 2 }, async (backend) => {
    for (const [name, constants] of EPILOGUES) {
      for (const [m, k, n] of SHAPES) {
        const test = denseCase(name, { m, k, n }, constants);
        const { outputs, expected } = await runCase(backend, name, test);
        const { absolute } = KERNELS[name].tolerance(test);
        const result = outputs.at(-1)!, right = expected().at(-1)!;
        for (let e = 0; e < right.length; e++) {
          const error = Math.abs(result[e] - right[e]);
          assertLessOrEqual(error, absolute, `${test.name}: element ${e} is ${result[e]}`);
        }
      }
    }
  });
});

/** Each of the tiles, whatever this process merges. */
const WITH_TILES: readonly Options[] = [
  { tile: "6x8" },
  { tile: "5x16" },
  { tile: "6x16", pairs: "plain" },
];

Deno.test("cpu: the bytes depend neither on the tile nor on the number of threads", async () => {
  const cases = [
    ...EPILOGUES.flatMap(([name, constants]) =>
      SHAPES.map(([m, k, n]) => [name, denseCase(name, { m, k, n }, constants)] as const)
    ),
    ...["distances", "kmeans_assign", "kmeans_seed_distance", "soft_assign", "confidence"]
      .flatMap((name) => KERNELS[name].cases().map((test) => [name, test] as const)),
  ];
  for (const strict of [false, true]) {
    const results: Uint32Array[][] = [];
    for (const tile of WITH_TILES) {
      for (const threads of [1, 3]) {
        await using({ threads, strict, ...tile }, async (backend) => {
          const bytes: Uint32Array[] = [];
          for (const [name, test] of cases) {
            bytes.push(...(await runCase(backend, name, test)).outputs.map(wordsOf));
          }
          results.push(bytes);
        });
      }
    }
    const [one, ...more] = results;
    for (const other of more) {
      other.forEach((words, i) => assert(words.every((word, e) => word === one[i][e])));
    }
  }
});

Deno.test("cpu: a tile is chosen by what is merged, or as it was asked for", async () => {
  const chosen = async (options: Options) => {
    const backend = await openCpuBackend({ threads: 1, ...options });
    const { tile, pairs, tileRefused } = backend.info;
    await backend.dispose();
    return [tile, pairs, tileRefused];
  };
  assertEquals(await chosen({ pairs: "none" }), ["6x8", "none", undefined]);
  assertEquals(await chosen({ pairs: "checked" }), ["5x16", "checked", undefined]);
  assertEquals(await chosen({ tile: "auto", pairs: "plain" }), ["5x16", "plain", undefined]);
  assertEquals(await chosen({ tile: "5x16", pairs: "none" }), ["5x16", undefined, undefined]);
  assertEquals(await chosen({ tile: "6x16", pairs: "plain" }), ["6x16", "plain", undefined]);
  const [tile, pairs, refused] = await chosen({ tile: "6x16", pairs: "checked" });
  assertEquals([tile, pairs], ["5x16", "checked"]);
  assertStringIncludes(
    String(refused),
    "6x16: V8 merges no pairs of vectors here, or checks bounds",
  );
  const { validate } = WebAssembly;
  WebAssembly.validate = () => false; // an engine of one memory a module
  try {
    assertEquals(await chosen({ pairs: "checked" }), ["6x8", "checked", undefined]);
    const asked = await chosen({ tile: "5x16" });
    assertEquals(asked, ["6x8", undefined, "5x16: a module has only one memory here"]);
  } finally {
    WebAssembly.validate = validate;
  }
  const [measured] = await chosen({ tile: "auto" });
  assert(measured === "6x8" || measured === "5x16");
  const unknown = "4x4" as NonNullable<NonNullable<Options>["tile"]>;
  await assertRejects(() => openCpuBackend({ tile: unknown }), RangeError, "6x16, not 4x4");
});

Deno.test("cpu: the audit of a tile sees another rounding, and a write beside a region", async () => {
  await using({ threads: 1, tile: "5x16" }, async (backend) => {
    await using({ threads: 1, tile: "6x8" }, async (same) => {
      assertEquals(await auditTile(backend, same), undefined);
    });
    await using({ threads: 1, tile: "6x8", strict: true }, async (other) => {
      assertMatch(String(await auditTile(backend, other)), /^word \d+ of area \d+ of the audit is/);
    });
    const careless = new Proxy(backend, {
      get(target, name) {
        const value = Reflect.get(target, name, target);
        if (name !== "prepare") return typeof value === "function" ? value.bind(target) : value;
        return (calls: Call[], label: string) => {
          const [operand] = calls[0].regions;
          const beside: Region = { ...calls[0].regions.at(-1)!, offset: 0, length: 1 };
          return target.prepare([...calls, affine({ ...operand, length: 1 }, beside, 0, 7)], label);
        };
      },
    });
    await using({ threads: 1, tile: "6x8" }, async (same) => {
      assertStringIncludes(String(await auditTile(careless, same)), "word 0 of area 3");
    });
  });
});

Deno.test("cpu: every kernel agrees with its reference on its cases, strict and relaxed", async () => {
  for (const strict of [false, true]) {
    await using({ threads: 2, strict }, async (backend) => {
      assertEquals(backend.info.relaxed, !strict);
      for (const kernel of Object.values(KERNELS)) {
        for (const test of kernel.cases()) {
          const { outputs, expected } = await runCase(backend, kernel.name, test);
          const { absolute, relative } = kernel.tolerance(test);
          const right = expected();
          kernel.bindings.forEach(({ name, type, access }, i) => {
            // What a case does not fill and the kernel need not write has no defined value.
            if (access === "read" || test.buffers[i].length === 1) return;
            const isFloat = type === "f32";
            right[i].forEach((wanted, e) => {
              const value = outputs[i][e];
              const bound = isFloat ? absolute + relative * Math.abs(wanted) : 0;
              assert(
                Object.is(value, wanted) || Math.abs(value - wanted) <= bound,
                `${kernel.name}, ${test.name}: ${name}[${e}] is ${value}, not ${wanted}`,
              );
            });
          });
        }
      }
    });
  }
});

/** The bits of an array; those of a NaN, which JavaScript leaves open, as one of them. */
function wordsOf(array: NumberArray): Uint32Array {
  const words = new Uint32Array(array.slice().buffer);
  array.forEach((value, i) => {
    if (Number.isNaN(value)) words[i] = 0x7fc00000;
  });
  return words;
}

Deno.test("cpu: the bytes do not depend on the number of threads", async () => {
  const results: Uint32Array[][] = [];
  for (const threads of [1, 2, 3]) {
    await using({ threads }, async (backend) => {
      assertEquals(backend.info.threads, threads);
      const bytes: Uint32Array[] = [];
      for (const kernel of Object.values(KERNELS)) {
        for (const test of kernel.cases()) {
          const { outputs } = await runCase(backend, kernel.name, test);
          bytes.push(...outputs.map(wordsOf));
        }
      }
      results.push(bytes);
    });
  }
  const [one, ...more] = results;
  for (const other of more) {
    assertEquals(other.length, one.length);
    other.forEach((words, i) => assert(words.every((word, e) => word === one[i][e])));
  }
});

Deno.test("cpu: a NaN passes through the ReLU and is stopped by a closed mask", async () => {
  await using({ threads: 1 }, async (backend) => {
    const x = region(backend, 2), w = region(backend, 1), b = region(backend, 1);
    const y = region(backend, 2), mask = region(backend, 2), dx = region(backend, 2);
    backend.write(x, Float32Array.of(NaN, -3));
    backend.write(w, Float32Array.of(1));
    backend.write(mask, Float32Array.of(NaN, 1));
    const params = { m: 2, k: 1, n: 1 };
    const program = await backend.prepare([
      {
        kernel: KERNELS.dense,
        constants: { ACT: 1 },
        params: { ...params, stride: 1 },
        regions: [x, w, b, y],
      },
      {
        kernel: KERNELS.dense_input_gradient,
        constants: { MASK: 1 },
        params,
        regions: [x, w, mask, dx],
      },
    ], "NaN");
    program.run(1);
    const [forward, backward] = await backend.read([y, dx]);
    assertEquals([...forward], [NaN, 0]);
    assertEquals([...backward], [0, -3]);
  });
});

Deno.test("cpu: writes, runs and reads happen in the order in which they are asked for", async () => {
  await using({ threads: 2 }, async (backend) => {
    const n = 100_000;
    const x = region(backend, n), y = region(backend, n);
    backend.write(x, new Float32Array(n).fill(1));
    const program = await backend.prepare([affine(x, y, 2, 1), affine(y, x, 1, 0)], "order");
    const data = new Float32Array(n).fill(10);
    program.run(3); // 1 → 3 → 7 → 15
    const first = backend.read([x]);
    backend.write(x, data);
    data.fill(-1); // the write has its own copy
    program.run(1);
    const second = backend.read([x, y]);
    program.run(2);
    assertEquals((await first)[0].every((value) => value === 15), true);
    assertEquals((await second).every((array) => array.every((value) => value === 21)), true);
    assertEquals((await backend.read([x]))[0][n - 1], 87);
  });
});

Deno.test("cpu: large writes behind runs keep what the array held when they were asked for", () =>
  using({ threads: 2 }, async (backend) => {
    const n = 300_000;
    const [x, y] = [region(backend, n), region(backend, n)];
    const double = await backend.prepare([affine(x, y, 2, 0)], "double");
    const data = new Float32Array(n);
    const found: Promise<Float32Array>[] = [];
    for (let value = 1; value <= 6; value++) {
      data.fill(value);
      backend.write(x, data.subarray(0, n));
      double.run(20);
      found.push(backend.read([y]).then(([values]) => values as Float32Array));
      if (value === 3) await found[2];
    }
    data.fill(-1);
    for (const [i, values] of (await Promise.all(found)).entries()) {
      assertEquals(new Set(values), new Set([2 * (i + 1)]));
    }
  }));

Deno.test("cpu: memory that is reused behind a run is zero and does not disturb it", async () => {
  await using({ threads: 2 }, async (backend) => {
    const n = 50_000;
    const x = region(backend, n), y = region(backend, n);
    backend.write(x, new Float32Array(n).fill(1));
    const program = await backend.prepare([affine(x, y, 1, 1), affine(y, x, 1, 0)], "reuse");
    program.run(20);
    const before = backend.read([x]);
    x.buffer.free();
    const z = region(backend, n);
    assertEquals((await before)[0].every((value) => value === 21), true);
    assertEquals((await backend.read([z]))[0].every((value) => value === 0), true);
  });
});

Deno.test("cpu: an exception in a thread surfaces in the next read, with the kernel's name", async () => {
  for (const threads of [1, 3]) {
    await using({ threads }, async (backend) => {
      const x = region(backend, 1000), y = region(backend, 1000);
      const broken: Call = { ...affine(x, y, 1, 5), constants: { OP: 99 } };
      const failing = await backend.prepare([affine(x, y, 1, 5), broken], "broken");
      const working = await backend.prepare([affine(x, y, 1, 7)], "working");
      failing.run(1000);
      working.run(1); // skipped: what it would see is not defined
      const error = await assertRejects(() => backend.read([y]), Error);
      assertStringIncludes((error as Error).message, "unary: unary has no OP 99");
      assertEquals((await backend.read([y]))[0][999], 5);
      working.run(1);
      assertEquals((await backend.read([y]))[0][999], 7);
    });
  }
});

Deno.test("cpu: calls of no items are skipped, and NaN words keep their bits", async () => {
  await using({ threads: 2 }, async (backend) => {
    const words = Uint32Array.of(0x7f800001, 0xffc12345, 0x7fffffff);
    const x = region(backend, 3), rows = region(backend, 2, "u32"), y = region(backend, 2);
    const empty = region(backend, 0);
    backend.write({ ...x, dtype: "u32" }, words);
    backend.write(rows, Uint32Array.of(2, 0));
    const params = { n: 2, w: 1, first: 0, chunkRows: 3 };
    const program = await backend.prepare([
      affine(empty, empty, 1, 1),
      { kernel: KERNELS.gather, constants: {}, params, regions: [x, rows, y] },
    ], "words");
    program.run(2);
    const [moved] = await backend.read([{ ...y, dtype: "u32" }]);
    assertEquals([...moved], [0x7fffffff, 0x7f800001]);
  });
});

Deno.test("cpu: memory is counted, reused, and back to zero after free and dispose", async () => {
  await using({ threads: 2 }, async (backend) => {
    assertEquals(backend.memory(), { bytes: 0, peakBytes: 0, buffers: 0 });
    const a = backend.allocate(1000, "a"), b = backend.allocate(3000, "b");
    assertEquals(backend.memory(), { bytes: 4000, peakBytes: 4000, buffers: 2 });
    a.free();
    a.free();
    assertEquals(backend.memory(), { bytes: 3000, peakBytes: 4000, buffers: 1 });
    b.free();
    for (let turn = 0; turn < 520; turn++) backend.allocate(2 ** 23, "5 GiB in all").free();
    const x = region(backend, 64), w = region(backend, 64), bias = region(backend, 8);
    const y = region(backend, 64);
    const program = await backend.prepare([{
      kernel: KERNELS.dense,
      constants: {},
      params: { m: 8, k: 8, n: 8, stride: 8 },
      regions: [x, w, bias, y],
    }], "scratch");
    assertGreater(backend.memory().bytes, 64 * 3 * 4 + 8 * 4);
    program.dispose();
    program.dispose();
    [x, w, bias, y].forEach(({ buffer }) => buffer.free());
    assertEquals(backend.memory().bytes, 0);
    assertEquals(backend.memory().buffers, 0);
  });
});

Deno.test("cpu: a memory of more than 4 GiB is refused in words", async () => {
  await using({ threads: 1 }, async (backend) => {
    const message = "do not fit beside the 400 held; the CPU backend addresses 4 GiB";
    backend.allocate(400, "small");
    assertThrows(() => backend.allocate(2 ** 32, "points"), RangeError, message);
    assertThrows(() => backend.allocate(-4, "points"), RangeError, "-4 is not a number of bytes");
    await Promise.resolve();
  });
});

Deno.test("cpu: kernels that its threads do not know, writes and runs are checked", async () => {
  await using({ threads: 1 }, async (backend) => {
    const x = region(backend, 8), y = region(backend, 8);
    const good = affine(x, y, 1, 0);
    const program = await backend.prepare([good], "plan");
    assertThrows(() => program.run(-1), RangeError, "-1 is not a number of steps");
    assertThrows(() => backend.write(x, new Float32Array(7)), RangeError, "8 elements, the data 7");
    x.buffer.free();
    assertThrows(
      () => backend.write(x, new Float32Array(8)),
      TypeError,
      "the buffer test is freed",
    );
    program.dispose();
    assertThrows(() => program.run(1), TypeError, "it is disposed");
  });
});

Deno.test("cpu: a disposed backend refuses work, and whoever waits is told", async () => {
  const backend = await openCpuBackend({ threads: 2 });
  const x = region(backend, 1000), y = region(backend, 1000);
  const program = await backend.prepare([affine(x, y, 1, 1)], "endless");
  program.run(1e9);
  const waiting = assertRejects(() => backend.read([y]), Error, "has stopped: it is disposed");
  await backend.dispose();
  await waiting;
  assertThrows(() => backend.allocate(4, "late"), TypeError, "has stopped");
  assertThrows(() => program.run(1), TypeError, "has stopped");
});

Deno.test("cpu: devices of equal bits are told from others, whatever their number of threads", async () => {
  const infos: CpuInfo[] = [];
  for (const options of [{ threads: 1 }, { threads: 2 }, { threads: 2, strict: true }]) {
    const backend = await openCpuBackend(options);
    infos.push(backend.info);
    await backend.dispose();
  }
  const [one, two, strict] = infos;
  assertEquals([one.threads, two.threads, strict.relaxed], [1, 2, false]);
  assert(isSameArithmetic(one, two));
  assert(!isSameArithmetic(two, strict));
  assert(!isSameArithmetic(two, new OracleBackend().info));
});

Deno.test("cpu: a number of threads out of range is refused", async () => {
  for (const threads of [0, -1, 1.5, 257, NaN]) {
    await assertRejects(() => openCpuBackend({ threads }), RangeError, "threads must be 1 to 256");
  }
});

Deno.test({
  name: "cpu: without permission for workers, one thread gives the same bytes",
  permissions: { read: false },
  async fn() {
    await using({}, async (backend) => {
      assertStringIncludes(String(backend.info.withoutWorkers), "no permission");
      const x = region(backend, 100), y = region(backend, 100);
      const program = await backend.prepare([affine(x, y, 2, 1), affine(y, x, 1, 0)], "inline");
      program.run(3);
      const first = backend.read([x]);
      // A memory that is not shared moves when it grows; the program must follow it.
      const large = region(backend, 10_000_000);
      program.run(1);
      assertEquals((await first)[0][99], 7);
      assertEquals((await backend.read([x]))[0][99], 15);
      assertEquals((await backend.read([large]))[0].every((value) => value === 0), true);
    });
  },
});

Deno.test("allocator: blocks are aligned, disjoint, and merge when they come back", () => {
  const actions = fc.array(fc.record({ bytes: fc.nat(5000), free: fc.nat(3) }), { maxLength: 60 });
  fc.assert(fc.property(actions, (list) => {
    const capacity = 2 ** 16;
    const allocator = new BlockAllocator(100, capacity);
    const held: { offset: number; bytes: number }[] = [];
    for (const { bytes, free } of list) {
      const offset = allocator.allocate(bytes);
      if (offset !== undefined) {
        assertEquals(offset % 256, 0);
        assert(offset >= 256 && offset + bytes <= capacity);
        assert(
          held.every((block) =>
            offset + bytes <= block.offset || block.offset + block.bytes <= offset
          ),
        );
        held.push({ offset, bytes });
      }
      if (free < held.length) {
        const [block] = held.splice(free, 1);
        allocator.free(block.offset, block.bytes);
      }
    }
    held.forEach((block) => allocator.free(block.offset, block.bytes));
    assertEquals(allocator.allocate(capacity - 256), 256);
  }));
});
