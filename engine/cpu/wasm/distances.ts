import { bytes, f32, forLoop, i32, minimum, type ModuleBuilder, sequence } from "../assembler.ts";
import type { WasmKernel } from "./kernel.ts";
import { DISTANCES_AT, emitSquaredDistances, MOST_CENTRES, POINTS } from "./squared_distances.ts";

/** Squared distances of all points to all centroids, a centroid a row of the result. */
export const distances: WasmKernel = {
  emit,
  supports: ({ d, k }) => d > 0 && k > 0 && k <= MOST_CENTRES,
  lengths: ({ n, first, total, d, k }) => [
    n * d,
    k * d,
    Math.max(k * total, (k - 1) * total + first + n),
  ],
  scratch: ({ k }) => ({ shared: 0, own: DISTANCES_AT + POINTS * k * 4 }),
  phases: ({ n, first, total, d, k }, _constants, { regions, own }) => [{
    entry: "distances",
    extent: Math.ceil(n / POINTS),
    parameters: [...regions, n, first, total, d, k, own],
  }],
};

/** Adds `distances(x, c, y, n, first, total, d, k, own, begin, end)` over blocks of points. */
function emit(module: ModuleBuilder): void {
  const squaredDistances = emitSquaredDistances(module);
  module.function("distances", (f) => {
    const p = f.parameters(
      "i32",
      "x",
      "c",
      "y",
      "n",
      "first",
      "total",
      "d",
      "k",
      "own",
      "begin",
      "end",
    );
    const row = f.local("i32");
    const rows = f.local("i32");
    const i = f.local("i32");
    const j = f.local("i32");
    const from = f.local("i32");
    const to = f.local("i32");
    const scratch = i32.add(p.own.get, i32.const(DISTANCES_AT));

    const centroid = sequence(
      i.set(i32.const(0)),
      from.set(i32.add(scratch, bytes(j.get))),
      to.set(i32.add(
        p.y.get,
        bytes(i32.add(i32.mul(j.get, p.total.get), i32.add(p.first.get, row.get))),
      )),
      forLoop(
        i,
        rows.get,
        1,
        sequence(
          f32.store(to.get, f32.load(from.get)),
          from.increase(bytes(p.k.get)),
          to.increase(4),
        ),
      ),
    );
    return forLoop(
      p.begin,
      p.end.get,
      1,
      sequence(
        row.set(i32.mul(p.begin.get, i32.const(POINTS))),
        rows.set(minimum(i32.const(POINTS), i32.sub(p.n.get, row.get))),
        squaredDistances.call(
          i32.add(p.x.get, bytes(i32.mul(row.get, p.d.get))),
          p.c.get,
          scratch,
          rows.get,
          p.d.get,
          p.k.get,
          p.own.get,
        ),
        j.set(i32.const(0)),
        forLoop(j, p.k.get, 1, centroid),
      ),
    );
  });
}
