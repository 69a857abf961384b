import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  block,
  type Code,
  drop,
  f32,
  f32x4,
  f64,
  f64x2,
  forLoop,
  type FunctionBuilder,
  i32,
  leaveWhen,
  ModuleBuilder,
  select,
  sequence,
  shuffle32,
  signed,
  unsigned,
  v128,
  when,
  whileLoop,
} from "../engine/cpu/assembler.ts";
import { buildModule, supportsRelaxed } from "../engine/cpu/wasm/module.ts";
import { buildPageTile } from "../engine/cpu/wasm/page_tile.ts";
import { TILES } from "../engine/cpu/wasm/tiles.ts";

/** Runs `define` as the body of a function over a memory that starts with `words`. */
function run(
  words: Float32Array | Uint32Array,
  define: (f: FunctionBuilder, module: ModuleBuilder) => Code,
  ...args: number[]
): ArrayBufferLike {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  new Uint8Array(memory.buffer).set(new Uint8Array(words.buffer));
  const module = new ModuleBuilder({ shared: false, relaxed: false });
  module.function("run", (f) => define(f, module));
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.build()), {
    env: { memory },
  });
  (instance.exports.run as (...args: number[]) => void)(...args);
  return memory.buffer;
}

Deno.test("assembler: LEB128 of the specification's examples", () => {
  assertEquals(unsigned(0), [0]);
  assertEquals(unsigned(127), [0x7f]);
  assertEquals(unsigned(128), [0x80, 1]);
  assertEquals(unsigned(624485), [0xe5, 0x8e, 0x26]);
  assertEquals(unsigned(2 ** 32 - 1), [0xff, 0xff, 0xff, 0xff, 0x0f]);
  assertEquals(signed(0), [0]);
  assertEquals(signed(63), [0x3f]);
  assertEquals(signed(64), [0xc0, 0]);
  assertEquals(signed(-1), [0x7f]);
  assertEquals(signed(-64), [0x40]);
  assertEquals(signed(-65), [0xbf, 0x7f]);
  assertEquals(signed(-123456), [0xc0, 0xbb, 0x78]);
  assertEquals(signed(2 ** 31 - 1), [0xff, 0xff, 0xff, 0xff, 0x07]);
  assertEquals(signed(-(2 ** 31)), [0x80, 0x80, 0x80, 0x80, 0x78]);
});

Deno.test("assembler: a loop, a condition and scalars", () => {
  // x[i] = i odd ? x[i]² : −x[i]
  const memory = run(Float32Array.of(1, 2, 3, 4, 5), (f) => {
    const { n } = f.parameters("i32", "n");
    const i = f.local("i32");
    const address = i32.mul(i.get, i32.const(4));
    const x = f32.load(address);
    return forLoop(
      i,
      n.get,
      1,
      when(
        i32.and(i.get, i32.const(1)),
        f32.store(address, f32.mul(x, x)),
        f32.store(address, f32.sub(f32.const(0), x)),
      ),
    );
  }, 4);
  assertEquals([...new Float32Array(memory, 0, 5)], [-1, 4, -3, 16, 5]);
});

Deno.test("assembler: loops whose condition is false at first do not turn", () => {
  const memory = run(Uint32Array.of(7), (f) => {
    const i = f.local("i32");
    return sequence(
      whileLoop(i32.gtU(i.get, i32.const(0)), f32.store(i32.const(0), f32.const(1))),
      forLoop(i, i32.const(0), 1, f32.store(i32.const(0), f32.const(1))),
    );
  });
  assertEquals(new Uint32Array(memory)[0], 7);
});

Deno.test("assembler: comparisons and divisions are unsigned", () => {
  const memory = run(new Uint32Array(4), (f) => {
    const { big } = f.parameters("i32", "big");
    const put = (at: number, condition: Code) =>
      f32.store(i32.const(at * 4), select(condition, f32.const(1), f32.const(2)));
    return sequence(
      put(0, i32.gtU(big.get, i32.const(1))),
      put(1, i32.ltU(big.get, i32.const(1))),
      put(2, i32.eq(i32.divU(big.get, i32.const(2)), i32.const(2 ** 31 - 1))),
      put(3, i32.eqz(i32.leU(big.get, i32.const(1)))),
    );
  }, 2 ** 32 - 1);
  assertEquals([...new Float32Array(memory, 0, 4)], [1, 2, 1, 1]);
});

Deno.test("assembler: vectors, lanes and float64 sums", () => {
  const memory = run(Float32Array.of(1, 4, 9, 16, 2, 3, 4, 5), (f) => {
    const { a, b } = Object.fromEntries(["a", "b"].map((name) => [name, f.local("v128")]));
    const total = f.local("f64");
    return sequence(
      a.set(v128.load(i32.const(0))),
      b.set(v128.load(i32.const(0), 16)),
      v128.store(i32.const(32), f32x4.sqrt(a.get)),
      v128.store(i32.const(32), f32x4.div(f32x4.add(a.get, b.get), b.get), 16),
      v128.store(i32.const(64), shuffle32(a.get, b.get, [3, 4, 0, 7])),
      v128.store(i32.const(64), v128.and(a.get, f32x4.gt(b.get, a.get)), 16),
      v128.store(i32.const(96), v128.andNot(a.get, f32x4.gt(b.get, a.get))),
      v128.storeLane0(i32.const(96), v128.load32Splat(i32.const(0), 12), 16),
      total.set(f64.add(f64.const(0.5), f64.promote(f32x4.extractLane(b.get, 2)))),
      f32.store(i32.const(96), f32.demote(total.get), 20),
    );
  });
  assertEquals([...new Float32Array(memory, 32, 4)], [1, 2, 3, 4]);
  assertEquals([...new Float32Array(memory, 48, 4)], [1.5, 7 / 3, 3.25, 4.2].map(Math.fround));
  assertEquals([...new Float32Array(memory, 64, 4)], [16, 2, 1, 5]);
  assertEquals([...new Float32Array(memory, 80, 4)], [1, 0, 0, 0]);
  assertEquals([...new Float32Array(memory, 96, 4)], [0, 4, 9, 16]);
  assertEquals([...new Float32Array(memory, 112, 2)], [16, 4.5]);
});

Deno.test("assembler: a lane of 64 bits moves into place, and a value is forgotten", () => {
  const memory = run(Float32Array.of(1, NaN, 3, 4, 5, 6, 7, 8), (f) => {
    const [a, b] = f.localArray("v128", 2);
    return sequence(
      a.set(v128.load(i32.const(0))),
      b.set(v128.load(i32.const(0), 16)),
      drop(f32x4.add(a.get, b.get)),
      v128.store(i32.const(32), f64x2.replaceLane(b.get, f64x2.extractLane(a.get, 0), 1)),
    );
  });
  assertEquals([...new Float32Array(memory, 32, 4)], [5, 6, 1, NaN]);
});

Deno.test("assembler: float64, alone and in pairs", () => {
  const memory = run(Float32Array.of(1.5, -2, 0, 0, 0, 0, 0, 0), (f) => {
    const [pair, two] = f.localArray("v128", 2);
    return sequence(
      pair.set(f64x2.promote(v128.load(i32.const(0)))),
      two.set(f64x2.splat(f64.const(2))),
      v128.store(i32.const(32), f64x2.sub(pair.get, f64x2.div(two.get, pair.get))),
      v128.store(i32.const(48), v128.load64Splat(i32.const(32), 8)),
      v128.store(i32.const(64), f32x4.demote(pair.get)),
      f64.store(i32.const(80), f64.div(f64.sqrt(f64.const(9)), f64.load(i32.const(32), 8)), 8),
    );
  });
  assertEquals([...new Float64Array(memory, 32, 4)], [1.5 - 2 / 1.5, -1, -1, -1]);
  assertEquals([...new Float32Array(memory, 64, 4)], [1.5, -2, 0, 0]);
  assertEquals(new Float64Array(memory, 88, 1)[0], -3);
});

Deno.test("assembler: functions call each other with the right number of arguments", () => {
  const module = new ModuleBuilder({ shared: false, relaxed: false });
  const put = module.function(undefined, (f) => {
    const { at, value } = f.parameters("i32", "at", "value");
    return f32.store(at.get, select(value.get, f32.const(3), f32.const(4)));
  });
  module.function("run", () => put.call(i32.const(0), i32.const(1)));
  assertThrows(() => put.call(i32.const(0)), TypeError, "takes 2 arguments, not 1");
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.build()), {
    env: { memory },
  });
  (instance.exports.run as () => void)();
  assertEquals(new Float32Array(memory.buffer)[0], 3);
});

Deno.test("assembler: parameters come before locals", () => {
  const module = new ModuleBuilder({ shared: false, relaxed: false });
  const error = assertThrows(
    () =>
      module.function("late", (f) => {
        f.local("i32");
        f.parameters("i32", "x");
        return [];
      }),
    TypeError,
  );
  assertStringIncludes((error as Error).message, "before locals");
});

Deno.test("assembler: a module with a page of its own reads both memories, and calls another module's function", () => {
  const inner = new ModuleBuilder({ shared: false, relaxed: false, page: true });
  inner.function("keep", (f) => {
    const { from, limit } = f.parameters("i32", "from", "limit");
    // Words until one is at the limit: what is behind it stays.
    const word = (i: number) =>
      sequence(
        leaveWhen(i32.eq(limit.get, i32.const(i))),
        i32.store(i32.const(0), i32.load(from.get, 4 * i, 1), 8 * i),
      );
    return block(sequence(word(0), word(1), word(2)));
  });
  const outer = new ModuleBuilder({ shared: false, relaxed: false });
  const keep = outer.import("keep", "i32", "i32");
  outer.function("run", () => keep.call(i32.const(4), i32.const(2)));
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  const page = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  new Uint32Array(memory.buffer).set([7, 8, 9, 10]);
  const instance = (module: ModuleBuilder, env: WebAssembly.ModuleImports) =>
    new WebAssembly.Instance(new WebAssembly.Module(module.build()), { env }).exports;
  const { keep: keepFunction } = instance(inner, { memory, page });
  (instance(outer, { memory, keep: keepFunction }).run as () => void)();
  assertEquals([...new Uint32Array(page.buffer, 0, 6)], [8, 0, 9, 0, 0, 0]);
  assertEquals([...new Uint32Array(memory.buffer, 0, 5)], [7, 8, 9, 10, 0]);
  const error = assertThrows(() => outer.import("late"), TypeError);
  assertStringIncludes((error as Error).message, "Import of late after a function");
});

Deno.test("assembler: the kernels' modules are valid, shared and not, strict and relaxed, for every tile", () => {
  for (const shared of [true, false]) {
    for (const relaxed of supportsRelaxed() ? [true, false] : [false]) {
      for (const tile of Object.values(TILES)) {
        assertEquals(WebAssembly.validate(buildModule({ shared, relaxed }, tile)), true);
        assertEquals(WebAssembly.validate(buildPageTile({ shared, relaxed }, tile)), true);
      }
    }
  }
});
