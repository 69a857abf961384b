import { groupsOf } from "../../../kernels/kernel.ts";
import {
  bytes,
  type Code,
  f32,
  f32x4,
  forLoop,
  i32,
  i32x4,
  type Local,
  minimum,
  type ModuleBuilder,
  select,
  sequence,
  v128,
  when,
  whileLoop,
} from "../assembler.ts";
import type { WasmKernel } from "./kernel.ts";

/** Elements of a row that one work item searches. */
const BLOCK = 4096;
/** The index of "nothing found yet", larger than all others. */
const NONE = -1;

/** What tells the two modes apart. */
const MODES = [
  { name: "arg_min", worst: Infinity, beats: f32.lt, beatsInLanes: f32x4.lt },
  { name: "arg_max", worst: -Infinity, beats: f32.gt, beatsInLanes: f32x4.gt },
] as const;

/** The extreme of each block of each row, then that of the blocks. */
export const argExtreme: WasmKernel = {
  emit(module) {
    for (const mode of MODES) emit(module, mode);
  },
  supports: ({ n }) => n > 0,
  scratch: ({ rows, n }) => ({ shared: 8 * rows * groupsOf(n, BLOCK), own: 0 }),
  passes({ rows, n }, { MODE }, { regions: [x, index, value], shared }) {
    const { name } = MODES[MODE];
    const blocks = groupsOf(n, BLOCK);
    return [
      { entry: `${name}_blocks`, extent: rows * blocks, parameters: [x, n, blocks, shared] },
      { entry: name, extent: rows, parameters: [x, index, value, n, blocks, shared] },
    ];
  },
};

/**
 * Adds the two passes of a mode. A candidate wins if it beats the holder, or equals it at a lower
 * index: NaN never does, and the first number wins over "nothing found yet".
 */
function emit(
  module: ModuleBuilder,
  { name, worst, beats, beatsInLanes }: typeof MODES[number],
): void {
  const consider = (best: Local, extreme: Local, index: Local, value: Local): Code =>
    when(
      i32.or(
        beats(value.get, extreme.get),
        i32.and(f32.eq(value.get, extreme.get), i32.ltU(index.get, best.get)),
      ),
      sequence(extreme.set(value.get), best.set(index.get)),
    );

  // (x, n, blocks, found, begin, end) over blocks: found[block] = (index, value).
  module.function(`${name}_blocks`, (f) => {
    const p = f.parameters("i32", "x", "n", "blocks", "found", "begin", "end");
    const row = f.local("i32");
    const index = f.local("i32");
    const last = f.local("i32");
    const at = f.local("i32");
    const best = f.local("i32");
    const extreme = f.local("f32");
    const value = f.local("f32");
    // Two strands hide the latency of comparing with what the last comparison left.
    const bests = f.localArray("v128", 2);
    const extremes = f.localArray("v128", 2);
    const indices = f.local("v128");
    const values = f.local("v128");
    const wins = f.local("v128");
    const vectors = sequence(
      ...bests.map((best, s) =>
        sequence(
          indices.set(i32x4.add(
            i32x4.const(4 * s, 4 * s + 1, 4 * s + 2, 4 * s + 3),
            i32x4.splat(index.get),
          )),
          values.set(v128.load(at.get, 16 * s)),
          wins.set(v128.or(
            beatsInLanes(values.get, extremes[s].get),
            v128.and(
              f32x4.eq(values.get, extremes[s].get),
              i32x4.ltU(indices.get, best.get),
            ),
          )),
          extremes[s].set(v128.bitselect(values.get, extremes[s].get, wins.get)),
          best.set(v128.bitselect(indices.get, best.get, wins.get)),
        )
      ),
      at.increase(32),
      index.increase(8),
    );
    const lane = f.local("i32");
    const considerLane = (strand: number, number: number) =>
      sequence(
        lane.set(i32x4.extractLane(bests[strand].get, number)),
        value.set(f32x4.extractLane(extremes[strand].get, number)),
        consider(best, extreme, lane, value),
      );
    return forLoop(
      p.begin,
      p.end.get,
      1,
      sequence(
        row.set(i32.divU(p.begin.get, p.blocks.get)),
        index.set(
          i32.mul(i32.sub(p.begin.get, i32.mul(row.get, p.blocks.get)), i32.const(BLOCK)),
        ),
        last.set(minimum(i32.add(index.get, i32.const(BLOCK)), p.n.get)),
        at.set(i32.add(
          p.x.get,
          bytes(i32.add(i32.mul(row.get, p.n.get), index.get)),
        )),
        ...bests.map((best) => best.set(i32x4.splat(i32.const(NONE)))),
        ...extremes.map((value) => value.set(f32x4.splat(f32.const(worst)))),
        best.set(i32.const(NONE)),
        extreme.set(f32.const(worst)),
        whileLoop(i32.leU(i32.add(index.get, i32.const(8)), last.get), vectors),
        ...[0, 1].flatMap((strand) => [0, 1, 2, 3].map((number) => considerLane(strand, number))),
        forLoop(
          index,
          last.get,
          1,
          sequence(
            value.set(f32.load(at.get)),
            consider(best, extreme, index, value),
            at.increase(4),
          ),
        ),
        at.set(i32.add(p.found.get, i32.mul(p.begin.get, i32.const(8)))),
        i32.store(at.get, best.get),
        f32.store(at.get, extreme.get, 4),
      ),
    );
  });

  // (x, index, value, n, blocks, found, begin, end) over rows.
  module.function(name, (f) => {
    const p = f.parameters(
      "i32",
      "x",
      "index",
      "value",
      "n",
      "blocks",
      "found",
      "begin",
      "end",
    );
    const at = f.local("i32");
    const stop = f.local("i32");
    const candidate = f.local("i32");
    const best = f.local("i32");
    const extreme = f.local("f32");
    const value = f.local("f32");
    const blockAt = (row: Code) =>
      i32.add(p.found.get, i32.mul(i32.mul(row, p.blocks.get), i32.const(8)));
    return forLoop(
      p.begin,
      p.end.get,
      1,
      sequence(
        best.set(i32.const(NONE)),
        extreme.set(f32.const(worst)),
        at.set(blockAt(p.begin.get)),
        stop.set(blockAt(i32.add(p.begin.get, i32.const(1)))),
        whileLoop(
          i32.ltU(at.get, stop.get),
          sequence(
            candidate.set(i32.load(at.get)),
            value.set(f32.load(at.get, 4)),
            consider(best, extreme, candidate, value),
            at.increase(8),
          ),
        ),
        // A row of NaN.
        best.set(select(i32.eq(best.get, i32.const(NONE)), i32.const(0), best.get)),
        i32.store(i32.add(p.index.get, bytes(p.begin.get)), best.get),
        i32.store(
          i32.add(p.value.get, bytes(p.begin.get)),
          i32.load(i32.add(
            p.x.get,
            bytes(i32.add(i32.mul(p.begin.get, p.n.get), best.get)),
          )),
        ),
      ),
    );
  });
}
