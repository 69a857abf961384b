/** What the CPU backend's limits are measured with: loops of multiply-adds, and a copy. */
import {
  bytes,
  forLoop,
  i32,
  ModuleBuilder,
  type ModuleOptions,
  sequence,
  v128,
} from "./assembler.ts";
import type { Probe } from "./messages.ts";
import { elementwiseExtent, emitElementwise } from "./wasm/elementwise.ts";
import { loadPairs, packPairs } from "./wasm/pairs.ts";

/** A probe before it has its module, and what it gets done in a round: operations or bytes. */
type Measured = Omit<Probe, "module"> & { readonly amount: number };

/**
 * Independent sums, more than a core has multiply-adds under way, fewer than it has registers: vectors,
 * and pairs of them, which V8 may merge (wasm/pairs.ts).
 */
const SUMS = { vectors: 12, pairs: 24 };
/** Turns of a thread's loop: about a millisecond. */
const TURNS = 1 << 18;
/** Rounds of the arithmetic: enough that the engine's second compiler ends among them, beside all threads. */
const ROUNDS = 150;
/** Floats from one thread's results to the next thread's. */
const STRIDE = 128;

/** Bytes that are read, and written: more than caches hold. */
export const COPY_BYTES: number = 64 << 20;

/** The bytes of the module with all. */
export function buildProbes(options: ModuleOptions): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder(options);
  emitArithmetic(module, "vectors");
  emitArithmetic(module, "pairs");
  emitElementwise(module, "copy", {
    arrays: 1,
    outputs: [1],
    scalars: 0,
    compute: ([from, to]) => to.set(from.get),
  });
  return module.build();
}

/** Multiply-adds on every thread, in either form; the results go to `address`, where zeros are. */
export function arithmeticProbes(address: number, threads: number): Measured[] {
  return (["vectors", "pairs"] as const).map((entry) => {
    const amount = threads * TURNS * SUMS[entry] * 4 * 2;
    return { entry, parameters: [address, TURNS], extent: threads, rounds: ROUNDS, amount };
  });
}

/** A copy of {@linkcode COPY_BYTES} from `address` to the bytes behind them. */
export function copyProbe(address: number): Measured {
  const n = COPY_BYTES / 4;
  const parameters = [address, address + COPY_BYTES, n];
  const extent = elementwiseExtent(n);
  return { entry: "copy", parameters, extent, rounds: 6, amount: 2 * COPY_BYTES };
}

/** Adds `FORM(to, turns, begin, end)`, an item a thread. */
function emitArithmetic(module: ModuleBuilder, form: "vectors" | "pairs"): void {
  module.function(form, (f) => {
    const { to, turns, begin, end } = f.parameters("i32", "to", "turns", "begin", "end");
    const turn = f.local("i32");
    const pair = f.localArray("v128", 2);
    const sums = f.localArray("v128", SUMS[form]);
    const at = i32.add(to.get, bytes(i32.mul(begin.get, i32.const(STRIDE))));
    return sequence(
      loadPairs(pair, to.get, 0, true),
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
              ...sums.map((sum, i) => {
                const factor = pair[i % 2].get;
                return sum.set(module.multiplyAdd(sum.get, factor, factor));
              }),
            ),
          ),
          ...(form === "pairs" ? [packPairs(sums)] : []),
          ...sums.map((sum, i) => v128.store(at, sum.get, i * 16)),
        ),
      ),
    );
  });
}
