import {
  bytes,
  f32,
  f32x4,
  f64x2,
  forLoop,
  i32,
  i32x4,
  type ModuleBuilder,
  sequence,
  shuffle32,
  v128,
  when,
} from "../assembler.ts";
import { NO_SCRATCH, type WasmKernel } from "./kernel.ts";
import { setThreefryKey, threefry } from "./threefry.ts";

/** Numbers that are made at once, from four counters. */
const GROUP = 8;

/** Uniform numbers, which are scaled in float64 as the reference does it, and rounded once. */
export const randomUniform: WasmKernel = {
  emit,
  supports: () => true,
  scratch: () => NO_SCRATCH,
  passes: ({ n, seed, stream, low, high }, _constants, { regions }) => [{
    entry: "random_uniform",
    extent: Math.ceil(n / GROUP),
    parameters: [low, high - low, ...regions, n, seed, stream],
  }],
};

/** Adds `random_uniform(low, width, step, y, n, seed, stream, begin, end)` over groups of eight numbers. */
function emit(module: ModuleBuilder): void {
  module.function("random_uniform", (f) => {
    const { low, width } = f.parameters("f64", "low", "width");
    const p = f.parameters("i32", "step", "y", "n", "seed", "stream", "begin", "end");
    const i = f.local("i32");
    const key = f.localArray("v128", 3);
    const [x0, x1, step, value] = f.localArray("v128", 4);

    const scaled = (halves: readonly number[]) =>
      f32x4.demote(f64x2.add(
        f64x2.splat(low.get),
        f64x2.mul(
          f64x2.splat(width.get),
          f64x2.promote(shuffle32(value.get, value.get, halves)),
        ),
      ));

    /** Four numbers from these lanes of (x0, x1), where y has room for them. */
    const store = (first: number, lanes: readonly number[]) =>
      sequence(
        value.set(f32x4.mul(
          f32x4.convert(i32x4.shiftRight(shuffle32(x0.get, x1.get, lanes), i32.const(8))),
          f32x4.splat(f32.const(2 ** -24)),
        )),
        value.set(shuffle32(scaled([0, 1, 2, 3]), scaled([2, 3, 0, 1]), [0, 1, 4, 5])),
        ...[0, 1, 2, 3].map((lane) =>
          when(
            i32.ltU(i32.add(i.get, i32.const(first + lane)), p.n.get),
            v128.storeLane(i32.add(p.y.get, bytes(i.get)), value.get, lane, 4 * (first + lane)),
          )
        ),
      );
    return sequence(
      setThreefryKey(key, p.seed.get, p.stream.get),
      step.set(i32x4.splat(i32.load(p.step.get))),
      forLoop(
        p.begin,
        p.end.get,
        1,
        sequence(
          i.set(i32.mul(p.begin.get, i32.const(GROUP))),
          x0.set(i32x4.add(
            i32x4.splat(i32.mul(p.begin.get, i32.const(GROUP / 2))),
            i32x4.const(0, 1, 2, 3),
          )),
          x1.set(step.get),
          threefry(key, x0, x1),
          store(0, [0, 4, 1, 5]),
          store(4, [2, 6, 3, 7]),
        ),
      ),
    );
  });
}
