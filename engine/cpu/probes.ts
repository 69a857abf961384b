/** What the CPU backend's limits are measured with: a loop of multiply-adds, and a copy. */
import {
  bytes,
  f32,
  f32x4,
  forLoop,
  i32,
  ModuleBuilder,
  type ModuleOptions,
  sequence,
  v128,
} from "./assembler.ts";
import type { Probe } from "./messages.ts";
import { elementwiseExtent, emitElementwise } from "./wasm/elementwise.ts";

/** A probe before it has its module, and what it gets done in a round: operations or bytes. */
type Measured = Omit<Probe, "module"> & { readonly amount: number };

/** Independent sums: more than a core has multiply-adds under way, fewer than it has registers. */
const SUMS = 12;
/** Turns of a thread's loop: about a millisecond. */
const TURNS = 1 << 18;
/** Floats from one thread's results to the next thread's. */
const STRIDE = 64;

/** Bytes that are read, and written: more than caches hold. */
export const COPY_BYTES: number = 64 << 20;

/** The bytes of the module with both. */
export function buildProbes(options: ModuleOptions): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder(options);
  emitArithmetic(module);
  emitElementwise(module, "copy", {
    arrays: 1,
    outputs: [1],
    scalars: 0,
    compute: ([from, to]) => to.set(from.get),
  });
  return module.build();
}

/** Multiply-adds on every thread; the results go to `address`. */
export function arithmeticProbe(address: number, threads: number): Measured {
  const amount = threads * TURNS * SUMS * 4 * 2;
  const parameters = [address, TURNS];
  return { entry: "arithmetic", parameters, extent: threads, rounds: 40, amount };
}

/** A copy of {@linkcode COPY_BYTES} from `address` to the bytes behind them. */
export function copyProbe(address: number): Measured {
  const n = COPY_BYTES / 4;
  const parameters = [address, address + COPY_BYTES, n];
  const extent = elementwiseExtent(n);
  return { entry: "copy", parameters, extent, rounds: 6, amount: 2 * COPY_BYTES };
}

/** Adds `arithmetic(to, turns, begin, end)`, an item a thread. */
function emitArithmetic(module: ModuleBuilder): void {
  module.function("arithmetic", (f) => {
    const { to, turns, begin, end } = f.parameters("i32", "to", "turns", "begin", "end");
    const turn = f.local("i32");
    const half = f.local("v128");
    const sums = f.localArray("v128", SUMS);
    const at = i32.add(to.get, bytes(i32.mul(begin.get, i32.const(STRIDE))));
    return sequence(
      half.set(f32x4.splat(f32.const(0.5))),
      forLoop(
        begin,
        end.get,
        1,
        sequence(
          turn.set(i32.const(0)),
          forLoop(
            turn,
            turns.get,
            1,
            sequence(
              ...sums.map((sum) => sum.set(module.multiplyAdd(sum.get, half.get, half.get))),
            ),
          ),
          ...sums.map((sum, i) => v128.store(at, sum.get, i * 16)),
        ),
      ),
    );
  });
}
