/** Kernels that treat each element alone: one loop over vectors of 4, and one over what is left. */
import {
  type Code,
  f32x4,
  type FunctionBuilder,
  i32,
  type Local,
  type ModuleBuilder,
  select,
  sequence,
  v128,
  whileLoop,
} from "../assembler.ts";

/** Elements that a thread takes at once: a cache line, so that no two threads write into one. */
const LINE = 16;

/** What an elementwise function computes. */
export interface Elementwise {
  /** Arrays that are read into vectors, by position; they are the first parameters. */
  readonly arrays: number;
  /** Those of the arrays, or further ones, that are written. */
  readonly outputs: readonly number[];
  /** Parameters of type f32, which follow the arrays and n. */
  readonly scalars: number;
  /**
   * The statements that turn the vectors `x` of the arrays into those of the outputs; `s` are the
   * scalars in all four lanes.
   */
  compute(x: readonly Local[], s: readonly Local[], f: FunctionBuilder): Code;
}

/** Work items of an elementwise pass over n elements. */
export function elementwiseExtent(n: number): number {
  return Math.ceil(n / LINE);
}

/**
 * Adds the exported function `entry(array…, n, scalar…, begin, end)` over lines of 16 elements.
 * Every element goes through the same vector instructions, so that no result depends on the slice.
 */
export function emitElementwise(
  module: ModuleBuilder,
  entry: string,
  { arrays, outputs, scalars, compute }: Elementwise,
): void {
  module.function(entry, (f) => {
    const count = Math.max(arrays, ...outputs.map((output) => output + 1));
    const names = Array.from({ length: count }, (_, a) => `array${a}`);
    const pointers = Object.values(f.parameters("i32", ...names)) as Local[];
    const { n } = f.parameters("i32", "n");
    const scalarNames = Array.from({ length: scalars }, (_, s) => `scalar${s}`);
    const values = Object.values(f.parameters("f32", ...scalarNames)) as Local[];
    const { begin, end } = f.parameters("i32", "begin", "end");
    const x = f.localArray("v128", count);
    const s = f.localArray("v128", scalars);
    const stop = f.local("i32");
    const body = compute(x, s, f);

    const advance = (elements: number) =>
      sequence(
        ...pointers.map((pointer) => pointer.increase(elements * 4)),
        begin.increase(elements),
      );
    const turn = (
      elements: number,
      load: typeof v128.load,
      store: typeof v128.store,
    ) =>
      whileLoop(
        i32.leU(i32.add(begin.get, i32.const(elements)), stop.get),
        sequence(
          ...x.slice(0, arrays).map((value, a) => value.set(load(pointers[a].get))),
          body,
          ...outputs.map((output) => store(pointers[output].get, x[output].get)),
          advance(elements),
        ),
      );
    return sequence(
      ...s.map((value, i) => value.set(f32x4.splat(values[i].get))),
      begin.set(i32.mul(begin.get, i32.const(LINE))),
      stop.set(i32.mul(end.get, i32.const(LINE))),
      stop.set(select(i32.ltU(stop.get, n.get), stop.get, n.get)),
      ...pointers.map((pointer) => pointer.increase(i32.mul(begin.get, i32.const(4)))),
      turn(4, v128.load, v128.store),
      turn(1, v128.load32Splat, v128.storeLane0),
    );
  });
}
