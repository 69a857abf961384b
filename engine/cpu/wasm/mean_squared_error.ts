import { groupsOf } from "../../../kernels/kernel.ts";
import {
  bytes,
  type Code,
  f32,
  f32x4,
  f64,
  i32,
  minimum,
  type ModuleBuilder,
  sequence,
  v128,
  when,
  whileLoop,
} from "../assembler.ts";
import { NO_SCRATCH, type WasmKernel } from "./kernel.ts";

/** Independent sums, which hide the latency of the addition. */
const SUMS = 4;
/** Elements between additions to the float64 total: a chain of 16 float32 additions. */
const RUN = 256;

/** Squared error and its gradient, a block a work item. */
export const meanSquaredError: WasmKernel = {
  emit,
  supports: () => true,
  scratch: () => NO_SCRATCH,
  passes: ({ n, block, scale }, { GRADIENT }, { regions }) => [{
    entry: "mean_squared_error",
    extent: groupsOf(n, block),
    parameters: [...regions, n, block, scale, GRADIENT],
  }],
};

/** Adds `mean_squared_error(p, t, g, partial, n, block, scale, gradient, begin, end)`. */
function emit(module: ModuleBuilder): void {
  module.function("mean_squared_error", (f) => {
    const { p, t, g, partial, n, block } = f.parameters(
      "i32",
      "p",
      "t",
      "g",
      "partial",
      "n",
      "block",
    );
    const { scale } = f.parameters("f32", "scale");
    const { gradient, begin, end } = f.parameters("i32", "gradient", "begin", "end");
    const index = f.local("i32");
    const last = f.local("i32");
    const stop = f.local("i32");
    const offset = f.local("i32");
    const sums = f.localArray("v128", SUMS);
    const difference = f.local("v128");
    const scales = f.local("v128");
    const single = f.local("f32");
    const total = f.local("f64");

    const at = (base: typeof p) => i32.add(base.get, offset.get);
    const addToTotal = (value: Code) => total.set(f64.add(total.get, f64.promote(value)));
    const vectors = sequence(
      ...sums.map((sum, c) =>
        sequence(
          difference.set(f32x4.sub(v128.load(at(p), c * 16), v128.load(at(t), c * 16))),
          when(
            gradient.get,
            v128.store(at(g), f32x4.mul(scales.get, difference.get), c * 16),
          ),
          sum.set(module.multiplyAdd(difference.get, difference.get, sum.get)),
        )
      ),
      offset.increase(SUMS * 16),
    );
    const one = sequence(
      single.set(f32.sub(f32.load(at(p)), f32.load(at(t)))),
      when(gradient.get, f32.store(at(g), f32.mul(scale.get, single.get))),
      addToTotal(f32.mul(single.get, single.get)),
      offset.increase(4),
    );
    const run = sequence(
      stop.set(minimum(i32.add(index.get, i32.const(RUN)), last.get)),
      offset.set(bytes(index.get)),
      ...sums.map((sum) => sum.set(v128.zero)),
      whileLoop(
        i32.leU(i32.add(offset.get, i32.const(SUMS * 16)), bytes(stop.get)),
        vectors,
      ),
      sums[0].set(f32x4.add(
        f32x4.add(sums[0].get, sums[1].get),
        f32x4.add(sums[2].get, sums[3].get),
      )),
      ...[0, 1, 2, 3].map((lane) => addToTotal(f32x4.extractLane(sums[0].get, lane))),
      whileLoop(i32.ltU(offset.get, bytes(stop.get)), one),
      index.set(stop.get),
    );
    return sequence(
      scales.set(f32x4.splat(scale.get)),
      whileLoop(
        i32.ltU(begin.get, end.get),
        sequence(
          index.set(i32.mul(begin.get, block.get)),
          last.set(minimum(i32.add(index.get, block.get), n.get)),
          total.set(f64.const(0)),
          whileLoop(i32.ltU(index.get, last.get), run),
          f32.store(i32.add(partial.get, bytes(begin.get)), f32.demote(total.get)),
          begin.increase(1),
        ),
      ),
    );
  });
}
