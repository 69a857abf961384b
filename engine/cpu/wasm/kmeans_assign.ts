import {
  bytes,
  f32,
  forLoop,
  i32,
  minimum,
  type ModuleBuilder,
  sequence,
  when,
} from "../assembler.ts";
import type { WasmKernel } from "./kernel.ts";
import { DISTANCES_AT, emitSquaredDistances, MOST_CENTRES, POINTS } from "./squared_distances.ts";

/** Lloyd's assignment: distances to the centroids of all runs at once, then the nearest of each. */
export const kmeansAssign: WasmKernel = {
  emit,
  supports: ({ d, k, runs }) => d > 0 && runs * k > 0 && runs * k <= MOST_CENTRES,
  lengths: ({ n, first, total, d, k, runs }) => {
    const labels = Math.max(runs * total, (runs - 1) * total + first + n);
    return [n * d, runs * k * d, labels, labels];
  },
  scratch: ({ k, runs }) => ({ shared: 0, own: DISTANCES_AT + POINTS * runs * k * 4 }),
  phases: ({ n, first, total, d, k, runs }, _constants, { regions, own }) => [{
    entry: "kmeans_assign",
    extent: Math.ceil(n / POINTS),
    parameters: [...regions, n, first, total, d, k, runs, own],
  }],
};

/**
 * Adds `kmeans_assign(points, centroids, labels, distances, n, first, total, d, k, runs, own, begin,
 * end)` over blocks of points.
 */
function emit(module: ModuleBuilder): void {
  const squaredDistances = emitSquaredDistances(module);
  module.function("kmeans_assign", (f) => {
    const p = f.parameters(
      "i32",
      "points",
      "centroids",
      "labels",
      "distances",
      "n",
      "first",
      "total",
      "d",
      "k",
      "runs",
      "own",
      "begin",
      "end",
    );
    const row = f.local("i32");
    const rows = f.local("i32");
    const run = f.local("i32");
    const i = f.local("i32");
    const j = f.local("i32");
    const from = f.local("i32");
    const target = f.local("i32");
    const label = f.local("i32");
    const nearest = f.local("f32");
    const scratch = i32.add(p.own.get, i32.const(DISTANCES_AT));
    const centres = i32.mul(p.runs.get, p.k.get);
    const candidate = f32.load(i32.add(from.get, bytes(j.get)));

    const point = sequence(
      from.set(i32.add(
        scratch,
        bytes(i32.add(i32.mul(i.get, centres), i32.mul(run.get, p.k.get))),
      )),
      label.set(i32.const(0)),
      nearest.set(f32.load(from.get)),
      j.set(i32.const(1)),
      forLoop(
        j,
        p.k.get,
        1,
        when(
          f32.lt(candidate, nearest.get),
          sequence(nearest.set(candidate), label.set(j.get)),
        ),
      ),
      target.set(bytes(i32.add(
        i32.add(i32.mul(run.get, p.total.get), p.first.get),
        i32.add(row.get, i.get),
      ))),
      i32.store(i32.add(p.labels.get, target.get), label.get),
      f32.store(i32.add(p.distances.get, target.get), nearest.get),
    );
    return forLoop(
      p.begin,
      p.end.get,
      1,
      sequence(
        row.set(i32.mul(p.begin.get, i32.const(POINTS))),
        rows.set(minimum(i32.const(POINTS), i32.sub(p.n.get, row.get))),
        squaredDistances.call(
          i32.add(p.points.get, bytes(i32.mul(row.get, p.d.get))),
          p.centroids.get,
          scratch,
          rows.get,
          p.d.get,
          centres,
          p.own.get,
        ),
        run.set(i32.const(0)),
        forLoop(
          run,
          p.runs.get,
          1,
          sequence(i.set(i32.const(0)), forLoop(i, rows.get, 1, point)),
        ),
      ),
    );
  });
}
