import { FORCE_GROUP } from "../../../kernels/layout_epoch.ts";
import {
  bytes,
  type Code,
  f32,
  f32x4,
  forLoop,
  type FunctionHandle,
  i32,
  i32x4,
  type ModuleBuilder,
  sequence,
  shuffle32,
  v128,
  when,
  whileLoop,
} from "../assembler.ts";
import { power } from "./exponential.ts";
import type { WasmKernel } from "./kernel.ts";
import { setThreefryKey, threefry } from "./threefry.ts";

/** Draws that the generator makes at once, from four counters. */
const DRAWS = 8;

const splat = (value: number) => f32x4.splat(f32.const(value));

/** The four forces of a group are the lanes of a vector. */
export const layoutEpoch: WasmKernel = {
  emit,
  supports: ({ n, m }) => n > 0 && m > 0,
  lengths: ({ n, m, edges }) => [1, n + 1, edges, edges, n * m, n * m],
  // The numbers of the rows that act, and the differences along each axis.
  scratch: ({ m }) => ({ shared: 0, own: 16 * (1 + m) }),
  phases(params, _constants, { regions, own }) {
    const { n, m, epochs, negatives, seed, stream, a, b } = params;
    return [{
      entry: "layout_epoch",
      extent: n,
      parameters: [a, b, ...regions, n, m, epochs, negatives, seed, stream, own],
    }];
  },
};

/**
 * A function `force(others, mask, rate, a, b, own, positions, differences, m)`: moves a row at the
 * address `own` by four others, where `mask` has bits.
 */
function emitForce(
  module: ModuleBuilder,
  coefficient: (squared: Code, power: Code, a: Code, b: Code) => Code,
): FunctionHandle {
  return module.function(undefined, (f) => {
    const { others, mask, rate, a, b } = f.parameters("v128", "others", "mask", "rate", "a", "b");
    const p = f.parameters("i32", "own", "positions", "differences", "m");
    const pointers = f.localArray("i32", FORCE_GROUP);
    const [at, to, end] = f.localArray("i32", 3);
    const [difference, squared, raised, factor, move] = f.localArray("v128", 5);
    const eachAxis = (body: Code) =>
      sequence(
        at.set(p.own.get),
        to.set(p.differences.get),
        end.set(i32.add(p.own.get, bytes(p.m.get))),
        forLoop(at, end.get, 4, sequence(body, to.increase(16))),
      );
    const halves = (x: Code, lanes: readonly number[]) => shuffle32(x, x, lanes);
    return sequence(
      ...pointers.map((pointer, lane) =>
        pointer.set(i32.add(
          p.positions.get,
          bytes(i32.mul(i32x4.extractLane(others.get, lane), p.m.get)),
        ))
      ),
      squared.set(v128.zero),
      eachAxis(sequence(
        difference.set(v128.load32Zero(pointers[0].get)),
        ...[1, 2, 3].map((lane) =>
          difference.set(v128.load32Lane(pointers[lane].get, difference.get, lane))
        ),
        difference.set(f32x4.sub(v128.load32Splat(at.get), difference.get)),
        v128.store(to.get, difference.get),
        squared.set(f32x4.add(squared.get, f32x4.mul(difference.get, difference.get))),
        ...pointers.map((pointer) => pointer.increase(4)),
      )),
      // Lanes without a distance take 1 instead, and count for nothing.
      mask.set(v128.and(mask.get, f32x4.gt(squared.get, v128.zero))),
      squared.set(v128.bitselect(squared.get, splat(1), mask.get)),
      raised.set(power(f, squared.get, b.get)),
      factor.set(v128.and(mask.get, coefficient(squared.get, raised.get, a.get, b.get))),
      eachAxis(sequence(
        move.set(f32x4.mul(factor.get, v128.load(to.get))),
        move.set(f32x4.lesser(f32x4.greater(move.get, splat(-4)), splat(4))),
        move.set(f32x4.add(move.get, halves(move.get, [2, 3, 0, 1]))),
        move.set(f32x4.add(move.get, halves(move.get, [1, 0, 3, 2]))),
        v128.storeLane0(
          at.get,
          f32x4.add(v128.load32Zero(at.get), f32x4.mul(move.get, rate.get)),
        ),
      )),
    );
  });
}

/**
 * Adds `layout_epoch(a, b, epoch, first, columns, rates, positions, moved, n, m, epochs, negatives,
 * seed, stream, own, begin, end)` over rows.
 */
function emit(module: ModuleBuilder): void {
  const onePlus = (power: Code, a: Code) => f32x4.add(splat(1), f32x4.mul(a, power));
  const twice = (x: Code) => f32x4.mul(splat(2), x);
  const pull = emitForce(module, (squared, power, a, b) =>
    f32x4.div(
      f32x4.mul(twice(f32x4.mul(a, b)), f32x4.div(power, squared)),
      onePlus(power, a),
    ));
  const push = emitForce(module, (squared, power, a, b) =>
    f32x4.div(
      twice(b),
      f32x4.mul(f32x4.add(splat(0.001), squared), onePlus(power, a)),
    ));
  module.function("layout_epoch", (f) => {
    const reals = f.parameters("f32", "a", "b");
    const p = f.parameters(
      "i32",
      "epoch",
      "first",
      "columns",
      "rates",
      "positions",
      "moved",
      "n",
      "m",
      "epochs",
      "negatives",
      "seed",
      "stream",
      "own",
      "begin",
      "end",
    );
    const [t, edge, last, rate, acting, place, own, counter, draw, draws, axis] = f.localArray(
      "i32",
      11,
    );
    const [a, b, alpha, pullRate, lanes, x0, x1, others] = f.localArray("v128", 8);
    const key = f.localArray("v128", 3);
    const real = (value: Code) => f32x4.splat(f32.convert(value));
    const rest = [own.get, p.positions.get, i32.add(p.own.get, i32.const(16)), p.m.get];
    /** The lanes below a number. */
    const below = (count: Code) => i32x4.ltU(i32x4.const(0, 1, 2, 3), i32x4.splat(count));
    const pullGroup = pull.call(
      v128.load(p.own.get),
      below(place.get),
      pullRate.get,
      a.get,
      b.get,
      ...rest,
    );
    const eachEdge = sequence(
      rate.set(i32.load(i32.add(p.rates.get, bytes(edge.get)))),
      when(
        i32.ltU(i32.mul(i32.add(t.get, i32.const(1)), rate.get), rate.get),
        sequence(
          i32.store(
            i32.add(p.own.get, bytes(place.get)),
            i32.load(i32.add(p.columns.get, bytes(edge.get))),
          ),
          acting.increase(1),
          place.increase(1),
          when(
            i32.eq(place.get, i32.const(FORCE_GROUP)),
            sequence(pullGroup, place.set(i32.const(0))),
          ),
        ),
      ),
    );
    /** Four draws from these lanes of (x0, x1). */
    const pushGroup = (order: readonly number[]) =>
      when(
        i32.ltU(draw.get, draws.get),
        sequence(
          others.set(shuffle32(x0.get, x1.get, order)),
          ...[0, 1, 2, 3].map((lane) =>
            i32.store(
              p.own.get,
              i32.remainderU(i32x4.extractLane(others.get, lane), p.n.get),
              4 * lane,
            )
          ),
          others.set(v128.load(p.own.get)),
          push.call(
            others.get,
            v128.andNot(
              below(i32.sub(draws.get, draw.get)),
              i32x4.eq(others.get, i32x4.splat(p.begin.get)),
            ),
            alpha.get,
            a.get,
            b.get,
            ...rest,
          ),
          draw.increase(FORCE_GROUP),
        ),
      );
    const eachDraws = sequence(
      x0.set(i32x4.splat(p.begin.get)),
      x1.set(i32x4.add(i32x4.splat(counter.get), i32x4.const(0, 1, 2, 3))),
      threefry(key, x0, x1),
      pushGroup([0, 4, 1, 5]),
      pushGroup([2, 6, 3, 7]),
      counter.increase(DRAWS / 2),
    );
    const eachRow = sequence(
      own.set(i32.add(p.moved.get, bytes(i32.mul(p.begin.get, p.m.get)))),
      axis.set(i32.const(0)),
      forLoop(
        axis,
        p.m.get,
        1,
        i32.store(
          i32.add(own.get, bytes(axis.get)),
          i32.load(i32.add(
            p.positions.get,
            bytes(i32.add(i32.mul(p.begin.get, p.m.get), axis.get)),
          )),
        ),
      ),
      acting.set(i32.const(0)),
      place.set(i32.const(0)),
      // Lanes that no edge fills hold some row.
      v128.store(p.own.get, i32x4.splat(p.begin.get)),
      edge.set(i32.load(i32.add(p.first.get, bytes(p.begin.get)))),
      last.set(i32.load(i32.add(p.first.get, bytes(p.begin.get)), 4)),
      forLoop(edge, last.get, 1, eachEdge),
      when(place.get, pullGroup),
      draw.set(i32.const(0)),
      draws.set(i32.mul(p.negatives.get, acting.get)),
      counter.set(i32.mul(t.get, i32.const(2 ** 16))),
      whileLoop(i32.ltU(draw.get, draws.get), eachDraws),
    );
    return sequence(
      a.set(f32x4.splat(reals.a.get)),
      b.set(f32x4.splat(reals.b.get)),
      t.set(i32.load(p.epoch.get)),
      alpha.set(f32x4.div(real(i32.sub(p.epochs.get, t.get)), real(p.epochs.get))),
      pullRate.set(f32x4.mul(splat(-2), alpha.get)),
      setThreefryKey(key, p.seed.get, p.stream.get),
      forLoop(p.begin, p.end.get, 1, eachRow),
    );
  });
}
