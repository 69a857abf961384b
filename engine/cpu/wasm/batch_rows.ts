import { BATCH_ORDER, halfBits } from "../../../kernels/batch_rows.ts";
import {
  bytes,
  forLoop,
  i32,
  i32x4,
  type ModuleBuilder,
  sequence,
  v128,
  when,
  whileLoop,
} from "../assembler.ts";
import { NO_SCRATCH, type WasmKernel } from "./kernel.ts";
import { setThreefryKey, threefry } from "./threefry.ts";

/** Rows that are computed at once. */
const LANES = 4;

/** Row numbers of shuffled batches, four at a time; in order they need no more than counting. */
export const batchRows: WasmKernel = {
  emit,
  supports: ({ count, total, mode }) =>
    mode !== BATCH_ORDER.sequential && count >= LANES && total >= LANES && total <= 2 ** 31,
  scratch: () => NO_SCRATCH,
  passes(params, _constants, { regions: [step, rows] }) {
    const { count, total, batch, batches, mode, seed, stream } = params;
    const isWithin = mode === BATCH_ORDER.shuffledWithin;
    const size = isWithin ? count : total;
    return [{
      entry: "batch_rows",
      extent: Math.ceil(count / LANES),
      parameters: [rows, count, size, halfBits(size), seed, stream],
      current(memory) {
        const taken = new Uint32Array(memory, step, 1)[0];
        const start = (taken % batches) * batch;
        // (the place that is permuted first, the tweak, what is added to the result)
        return isWithin ? [0, taken, start] : [start, Math.floor(taken / batches), 0];
      },
    }];
  },
};

/**
 * Adds `batch_rows(rows, count, size, half, seed, stream, first, tweak, offset, begin, end)` over
 * groups of four: rows[i] = offset + permute((first + i) mod size, size).
 */
function emit(module: ModuleBuilder): void {
  module.function("batch_rows", (f) => {
    const p = f.parameters(
      "i32",
      "rows",
      "count",
      "size",
      "half",
      "seed",
      "stream",
      "first",
      "tweak",
      "offset",
      "begin",
      "end",
    );
    const i = f.local("i32");
    const round = f.local("i32");
    const mask = f.local("v128");
    const key = f.localArray("v128", 3);
    const size = f.local("v128");
    const places = f.local("v128");
    const value = f.local("v128");
    const walking = f.local("v128");
    const left = f.local("v128");
    const right = f.local("v128");
    const x0 = f.local("v128");
    const x1 = f.local("v128");

    const feistel = sequence(
      left.set(i32x4.shiftRight(value.get, p.half.get)),
      right.set(v128.and(value.get, mask.get)),
      round.set(i32.const(0)),
      forLoop(
        round,
        i32.const(4),
        1,
        sequence(
          x0.set(v128.or(
            i32x4.shiftLeft(i32x4.splat(round.get), i32.const(16)),
            right.get,
          )),
          x1.set(i32x4.splat(p.tweak.get)),
          threefry(key, x0, x1),
          x0.set(v128.xor(left.get, v128.and(x0.get, mask.get))),
          left.set(right.get),
          right.set(x0.get),
        ),
      ),
    );
    const walk = sequence(
      feistel,
      value.set(v128.bitselect(
        v128.or(i32x4.shiftLeft(left.get, p.half.get), right.get),
        value.get,
        walking.get,
      )),
      walking.set(v128.not(i32x4.ltU(value.get, size.get))),
    );
    const inRange = i32x4.ltU(places.get, size.get);
    const group = sequence(
      i.set(i32.mul(p.begin.get, i32.const(LANES))),
      places.set(i32x4.add(
        i32x4.splat(i32.remainderU(i32.add(p.first.get, i.get), p.size.get)),
        i32x4.const(0, 1, 2, 3),
      )),
      // A group has at most as many lanes as there are places: it wraps around once.
      value.set(i32x4.sub(places.get, v128.andNot(size.get, inRange))),
      walking.set(v128.not(v128.zero)),
      whileLoop(v128.any(walking.get), walk),
      value.set(i32x4.add(value.get, i32x4.splat(p.offset.get))),
      ...Array.from({ length: LANES }, (_, lane) =>
        when(
          i32.ltU(i32.add(i.get, i32.const(lane)), p.count.get),
          v128.storeLane(
            i32.add(p.rows.get, bytes(i.get)),
            value.get,
            lane,
            4 * lane,
          ),
        )),
    );
    return sequence(
      mask.set(v128.not(i32x4.shiftLeft(v128.not(v128.zero), p.half.get))),
      setThreefryKey(key, p.seed.get, p.stream.get),
      size.set(i32x4.splat(p.size.get)),
      forLoop(p.begin, p.end.get, 1, group),
    );
  });
}
