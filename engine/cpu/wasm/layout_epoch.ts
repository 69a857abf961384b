import { FORCE_GROUP } from "../../../kernels/layout_epoch.ts";
import {
  bytes,
  type Code,
  f32,
  f32x4,
  forLoop,
  type FunctionBuilder,
  type FunctionHandle,
  i32,
  i32x4,
  type Local,
  minimum,
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

/** Vectors of a group of forces: two hide each other's latency. */
const VECTORS = FORCE_GROUP / 4;

/** Bytes of the rows' numbers of a group, at the begin of the scratch. */
const OTHERS_BYTES = 4 * FORCE_GROUP;

/** The functions by the number of dimensions. */
const PLANE = { entry: "layout_epoch_plane", body: inPlane };
const SPACE = { entry: "layout_epoch", body: alongAxes };

/** The forces of a group are the lanes of two vectors. */
export const layoutEpoch: WasmKernel = {
  emit(module) {
    emit(module, PLANE);
    emit(module, SPACE);
  },
  supports: ({ n, m }) => n > 0 && m > 0,
  scratch: ({ m }) => ({ shared: 0, own: OTHERS_BYTES + 16 * VECTORS * m }),
  passes(params, _constants, { regions, own }) {
    const { n, m, epochs, negatives, seed, stream, a, b } = params;
    return [{
      entry: (m === 2 ? PLANE : SPACE).entry,
      extent: n,
      parameters: [a, b, ...regions, n, m, epochs, negatives, seed, stream, own],
    }];
  },
};

const splat = (value: number) => f32x4.splat(f32.const(value));
const clipped = (move: Code) => f32x4.lesser(f32x4.greater(move, splat(-4)), splat(4));
const sumOf = (vectors: readonly Local[]) =>
  vectors.map((vector) => vector.get).reduce((a, b) => f32x4.add(a, b));

/** The coefficient of the difference of two rows, by its square and that to the power b. */
type Coefficient = (squared: Code, power: Code, a: Code, b: Code) => Code;

const onePlus = (power: Code, a: Code) => f32x4.add(splat(1), f32x4.mul(a, power));
const twice = (x: Code) => f32x4.mul(splat(2), x);

/** An edge's, but for the sign. */
const attraction: Coefficient = (squared, power, a, b) =>
  f32x4.div(
    f32x4.mul(twice(f32x4.mul(a, b)), power),
    f32x4.mul(squared, onePlus(power, a)),
  );

/** A draw's. */
const repulsion: Coefficient = (squared, power, a, b) =>
  f32x4.div(twice(b), f32x4.mul(f32x4.add(splat(0.001), squared), onePlus(power, a)));

/** What the function of a force consists of. */
interface Force {
  readonly f: FunctionBuilder;
  readonly p: Record<"row" | "own" | "positions" | "scratch" | "m" | "count", Local>;
  /** Of the positions of the others. */
  readonly pointers: readonly Local[];
  readonly squared: readonly Local[];
  /** Makes `factors` of `squared`. */
  readonly weigh: Code;
  readonly factors: readonly Local[];
  readonly rate: Local;
}

/**
 * A function `force(rate, a, b, row, own, positions, scratch, m, count)`: moves a row, whose position
 * is at `own`, by the first `count` of the others whose numbers are in the scratch, if they are other
 * rows.
 */
function emitForce(
  module: ModuleBuilder,
  coefficient: Coefficient,
  body: (force: Force) => Code,
): FunctionHandle {
  return module.function(undefined, (f) => {
    const { rate, a, b } = f.parameters("v128", "rate", "a", "b");
    const p = f.parameters("i32", "row", "own", "positions", "scratch", "m", "count");
    const pointers = f.localArray("i32", FORCE_GROUP);
    const masks = f.localArray("v128", VECTORS);
    const squared = f.localArray("v128", VECTORS);
    const factors = f.localArray("v128", VECTORS);
    const lanes = (v: number) => i32x4.const(4 * v, 4 * v + 1, 4 * v + 2, 4 * v + 3);
    const weigh = sequence(
      ...masks.map((mask, v) =>
        sequence(
          mask.set(v128.andNot(
            i32x4.ltU(lanes(v), i32x4.splat(p.count.get)),
            i32x4.eq(v128.load(p.scratch.get, 16 * v), i32x4.splat(p.row.get)),
          )),
          // Lanes without a distance take 1 instead, and count for nothing.
          mask.set(v128.and(mask.get, f32x4.gt(squared[v].get, v128.zero))),
          squared[v].set(v128.bitselect(squared[v].get, splat(1), mask.get)),
        )
      ),
      ...factors.map((factor, v) => factor.set(power(module, f, squared[v].get, b.get))),
      ...factors.map((factor, v) =>
        factor.set(
          v128.and(masks[v].get, coefficient(squared[v].get, factor.get, a.get, b.get)),
        )
      ),
    );
    return sequence(
      ...pointers.map((pointer, lane) =>
        pointer.set(i32.add(
          p.positions.get,
          bytes(i32.mul(i32.load(p.scratch.get, 4 * lane), p.m.get)),
        ))
      ),
      body({ f, p, pointers, squared, weigh, factors, rate }),
    );
  });
}

/** In two dimensions: both coordinates of a row are loaded at once. */
function inPlane({ f, p, pointers, squared, weigh, factors, rate }: Force): Code {
  const [x, y] = [f.localArray("v128", VECTORS), f.localArray("v128", VECTORS)];
  const [ownX, ownY, low, high] = f.localArray("v128", 4);
  return sequence(
    ownX.set(v128.load32Splat(p.own.get)),
    ownY.set(v128.load32Splat(p.own.get, 4)),
    ...squared.map((square, v) =>
      sequence(
        low.set(v128.load64Zero(pointers[4 * v].get)),
        low.set(v128.load64Lane(pointers[4 * v + 1].get, low.get, 1)),
        high.set(v128.load64Zero(pointers[4 * v + 2].get)),
        high.set(v128.load64Lane(pointers[4 * v + 3].get, high.get, 1)),
        x[v].set(f32x4.sub(ownX.get, shuffle32(low.get, high.get, [0, 2, 4, 6]))),
        y[v].set(f32x4.sub(ownY.get, shuffle32(low.get, high.get, [1, 3, 5, 7]))),
        square.set(f32x4.add(f32x4.mul(x[v].get, x[v].get), f32x4.mul(y[v].get, y[v].get))),
      )
    ),
    weigh,
    ...[x, y].flatMap((differences) =>
      differences.map((difference, v) =>
        difference.set(clipped(f32x4.mul(factors[v].get, difference.get)))
      )
    ),
    low.set(sumOf(x)),
    high.set(sumOf(y)),
    // Halves of both sums, side by side, and then the sums.
    low.set(f32x4.add(
      shuffle32(low.get, high.get, [0, 1, 4, 5]),
      shuffle32(low.get, high.get, [2, 3, 6, 7]),
    )),
    low.set(f32x4.add(low.get, shuffle32(low.get, low.get, [1, 0, 3, 2]))),
    low.set(f32x4.mul(low.get, rate.get)),
    v128.storeLane(p.own.get, f32x4.add(ownX.get, low.get), 0),
    v128.storeLane(p.own.get, f32x4.add(ownY.get, low.get), 2, 4),
  );
}

/** In any number of dimensions, one after another. */
function alongAxes({ f, p, pointers, squared, weigh, factors, rate }: Force): Code {
  const [at, to, end] = f.localArray("i32", 3);
  const moves = f.localArray("v128", VECTORS);
  const [move] = moves;
  const eachAxis = (body: Code) =>
    sequence(
      at.set(p.own.get),
      to.set(i32.add(p.scratch.get, i32.const(OTHERS_BYTES))),
      end.set(i32.add(p.own.get, bytes(p.m.get))),
      forLoop(at, end.get, 4, sequence(body, to.increase(16 * VECTORS))),
    );
  return sequence(
    ...squared.map((square) => square.set(v128.zero)),
    eachAxis(sequence(
      ...moves.flatMap((difference, v) => {
        const four = pointers.slice(4 * v, 4 * v + 4);
        return [
          difference.set(v128.load32Zero(four[0].get)),
          ...[1, 2, 3].map((lane) =>
            difference.set(v128.load32Lane(four[lane].get, difference.get, lane))
          ),
          difference.set(f32x4.sub(v128.load32Splat(at.get), difference.get)),
          v128.store(to.get, difference.get, 16 * v),
          squared[v].set(
            f32x4.add(squared[v].get, f32x4.mul(difference.get, difference.get)),
          ),
        ];
      }),
      ...pointers.map((pointer) => pointer.increase(4)),
    )),
    weigh,
    eachAxis(sequence(
      ...moves.map((move, v) =>
        move.set(clipped(f32x4.mul(factors[v].get, v128.load(to.get, 16 * v))))
      ),
      move.set(sumOf(moves)),
      move.set(f32x4.add(move.get, shuffle32(move.get, move.get, [2, 3, 0, 1]))),
      move.set(f32x4.add(move.get, shuffle32(move.get, move.get, [1, 0, 3, 2]))),
      v128.storeLane0(
        at.get,
        f32x4.add(v128.load32Zero(at.get), f32x4.mul(move.get, rate.get)),
      ),
    )),
  );
}

/**
 * Adds a function `(a, b, epoch, first, columns, rates, positions, moved, n, m, epochs, negatives, seed,
 * stream, own, begin, end)` over rows.
 */
function emit(
  module: ModuleBuilder,
  { entry, body }: { readonly entry: string; readonly body: (force: Force) => Code },
): void {
  const pull = emitForce(module, attraction, body);
  const push = emitForce(module, repulsion, body);
  module.function(entry, (f) => {
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
    const [t, edge, last, rate, acting, place, own, counter, left, axis] = f.localArray("i32", 10);
    const [a, b, alpha, pullRate, x0, x1] = f.localArray("v128", 6);
    const key = f.localArray("v128", 3);
    const real = (value: Code) => f32x4.splat(f32.convert(value));
    const forces = (force: FunctionHandle, rate: Local, count: Local) =>
      force.call(
        ...[rate, a, b, p.begin, own, p.positions, p.own, p.m, count].map(({ get }) => get),
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
            sequence(forces(pull, pullRate, place), place.set(i32.const(0))),
          ),
        ),
      ),
    );
    /** Draws of a group, from the two words of four counters. */
    const eachDraws = sequence(
      x0.set(i32x4.splat(p.begin.get)),
      x1.set(i32x4.add(i32x4.splat(counter.get), i32x4.const(0, 1, 2, 3))),
      threefry(key, x0, x1),
      ...Array.from({ length: FORCE_GROUP }, (_, s) =>
        i32.store(
          p.own.get,
          i32.remainderU(i32x4.extractLane([x0, x1][s % 2].get, s >> 1), p.n.get),
          4 * s,
        )),
      forces(push, alpha, left),
      counter.increase(FORCE_GROUP / 2),
      left.set(i32.sub(left.get, minimum(left.get, i32.const(FORCE_GROUP)))),
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
      ...Array.from(
        { length: VECTORS },
        (_, v) => v128.store(p.own.get, i32x4.splat(p.begin.get), 16 * v),
      ),
      edge.set(i32.load(i32.add(p.first.get, bytes(p.begin.get)))),
      last.set(i32.load(i32.add(p.first.get, bytes(p.begin.get)), 4)),
      forLoop(edge, last.get, 1, eachEdge),
      when(place.get, forces(pull, pullRate, place)),
      counter.set(i32.mul(t.get, i32.const(2 ** 16))),
      left.set(i32.mul(p.negatives.get, acting.get)),
      whileLoop(left.get, eachDraws),
    );
    return sequence(
      a.set(f32x4.splat(reals.a.get)),
      b.set(f32x4.splat(reals.b.get)),
      t.set(i32.load(p.epoch.get)),
      alpha.set(f32x4.div(real(i32.sub(p.epochs.get, t.get)), real(p.epochs.get))),
      pullRate.set(f32x4.mul(splat(-1), alpha.get)),
      setThreefryKey(key, p.seed.get, p.stream.get),
      forLoop(p.begin, p.end.get, 1, eachRow),
    );
  });
}
