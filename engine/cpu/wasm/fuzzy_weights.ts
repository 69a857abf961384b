import { BISECTIONS, LEAST_SCALE, NEAR_ENOUGH } from "../../../kernels/fuzzy_weights.ts";
import {
  bytes,
  type Code,
  f32,
  f32x4,
  forLoop,
  i32,
  type Local,
  type ModuleBuilder,
  select,
  sequence,
  v128,
  when,
  whileLoop,
} from "../assembler.ts";
import { expOfMinusMagnitude } from "./exponential.ts";
import type { WasmKernel } from "./kernel.ts";

const ENTRY = "fuzzy_weights";
/** A distance whose weight is 0 at every scale, and which no distance reaches. */
const LARGEST = 3.4e38;

/** A row's distances are in the scratch, four weights are made at once. */
export const fuzzyWeights: WasmKernel = {
  emit,
  supports: ({ degree }) => degree > 0 && degree <= 2 ** 20,
  scratch: ({ degree }) => ({ shared: 0, own: 4 * Math.ceil(degree / 4) * 4 }),
  passes: ({ n, count, degree, total, mean }, _constants, { regions, own }) => [{
    entry: ENTRY,
    extent: n,
    parameters: [total, mean, ...regions, count, degree, own],
  }],
};

const least = (a: Code, b: Code) => select(f32.lt(a, b), a, b);

/** Adds `fuzzy_weights(total, mean, squared, weights, count, degree, own, begin, end)` over rows. */
function emit(module: ModuleBuilder): void {
  module.function(ENTRY, (f) => {
    const { total, mean } = f.parameters("f32", "total", "mean");
    const p = f.parameters(
      "i32",
      "squared",
      "weights",
      "count",
      "degree",
      "own",
      "begin",
      "end",
    );
    const [from, to, at, end, padded, round, bounded] = f.localArray("i32", 7);
    const [distance, nearest, distances, low, high, scale, sum] = f.localArray("f32", 7);
    const [sums, weight] = f.localArray("v128", 2);
    const zero = f32.const(0);
    const weigh = sequence(
      weight.set(f32x4.div(v128.load(at.get), f32x4.splat(scale.get))),
      weight.set(expOfMinusMagnitude(f, weight.get)),
    );
    const each = (last: Local, step: number, body: Code) =>
      sequence(at.set(p.own.get), forLoop(at, last.get, step, body));
    const lane = (i: number) => f32x4.extractLane(sums.get, i);
    const gap = f32.sub(sum.get, total.get);

    const readDistances = sequence(
      nearest.set(f32.const(LARGEST)),
      distances.set(zero),
      from.set(i32.add(p.squared.get, bytes(i32.mul(p.begin.get, p.count.get)))),
      each(
        end,
        4,
        sequence(
          distance.set(f32.sqrt(f32.max(f32.load(from.get), zero))),
          f32.store(at.get, distance.get),
          distances.set(f32.add(distances.get, distance.get)),
          when(f32.gt(distance.get, zero), nearest.set(least(nearest.get, distance.get))),
          from.increase(4),
        ),
      ),
      each(
        end,
        4,
        f32.store(at.get, f32.max(f32.sub(f32.load(at.get), nearest.get), zero)),
      ),
      whileLoop(
        i32.ltU(at.get, padded.get),
        sequence(f32.store(at.get, f32.const(LARGEST)), at.increase(4)),
      ),
    );
    const bisect = sequence(
      sums.set(v128.zero),
      each(padded, 16, sequence(weigh, sums.set(f32x4.add(sums.get, weight.get)))),
      sum.set(f32.add(f32.add(lane(0), lane(1)), f32.add(lane(2), lane(3)))),
      round.increase(1),
      when(
        f32.lt(f32.mul(gap, gap), f32.const(NEAR_ENOUGH ** 2)),
        round.set(i32.const(BISECTIONS)),
        sequence(
          when(
            f32.gt(sum.get, total.get),
            sequence(high.set(scale.get), bounded.set(i32.const(1))),
            low.set(scale.get),
          ),
          scale.set(select(
            bounded.get,
            f32.mul(f32.add(low.get, high.get), f32.const(0.5)),
            f32.add(scale.get, scale.get),
          )),
        ),
      ),
    );
    const findScale = sequence(
      low.set(zero),
      bounded.set(i32.const(0)),
      scale.set(f32.const(1)),
      round.set(i32.const(0)),
      whileLoop(i32.ltU(round.get, i32.const(BISECTIONS)), bisect),
      distances.set(f32.div(distances.get, f32.add(f32.convert(p.degree.get), f32.const(1)))),
      scale.set(f32.max(
        scale.get,
        f32.mul(
          f32.const(LEAST_SCALE),
          select(f32.eq(nearest.get, f32.const(LARGEST)), mean.get, distances.get),
        ),
      )),
    );
    const writeWeights = sequence(
      each(padded, 16, sequence(weigh, v128.store(at.get, weight.get))),
      to.set(i32.add(p.weights.get, bytes(i32.mul(p.begin.get, p.degree.get)))),
      each(
        end,
        4,
        sequence(f32.store(to.get, f32.load(at.get)), to.increase(4)),
      ),
    );
    return sequence(
      end.set(i32.add(p.own.get, bytes(p.degree.get))),
      padded.set(i32.and(i32.add(end.get, i32.const(15)), i32.const(-16))),
      forLoop(p.begin, p.end.get, 1, sequence(readDistances, findScale, writeWeights)),
    );
  });
}
