import {
  bytes,
  type Code,
  f32,
  f32x4,
  f64,
  forLoop,
  type FunctionBuilder,
  i32,
  i32x4,
  type Local,
  minimum,
  type ModuleBuilder,
  select,
  sequence,
  shuffle32,
  v128,
  when,
} from "../assembler.ts";
import { NO_SCRATCH, type WasmKernel } from "./kernel.ts";

/** A float32 at least this large and below its double holds integers: its low 23 bits are they. */
const INTEGERS = 2 ** 23;

/** Columns of the transforms that are angle and shifts; four more are a linear map's. */
const RIGID = 3;

/** The functions' names, by the channels of the images that they are for. */
const ENTRIES: Readonly<Record<number, string>> = { 1: "augment", 3: "augment_colour" };

/** Affine resampling of images, grey or in colour, four pixels of a row at a time. */
export const augment: WasmKernel = {
  emit(module) {
    emit(module, 1);
    emit(module, 3);
  },
  supports: ({ height, width, channels }) =>
    channels in ENTRIES && height >= 2 && width >= 4 && height * width < INTEGERS,
  scratch: () => NO_SCRATCH,
  passes: ({ n, height, width, channels, columns }, _constants, { regions }) => [{
    entry: ENTRIES[channels],
    extent: n,
    parameters: [...regions, height, width, columns],
  }],
};

/**
 * Statements that set `cosine` and `sine` to those of `angle`, a float32: the angle less its quarter
 * turns, in [−π/4, π/4], and Taylor's polynomials there, whose remainders are below
 * (π/4)¹²/12! = 1.2e-10 and (π/4)¹¹/11! = 1.8e-9, all in float64.
 */
function cosineSine(f: FunctionBuilder, angle: Code, cosine: Local, sine: Local): Code {
  const quarters = f.local("f64");
  const r = f.local("f64");
  const square = f.local("f64");
  const even = f.local("f64");
  const odd = f.local("f64");
  const quadrant = f.local("i32");
  /** Σ aᵢ·squareⁱ by Horner's rule. */
  const polynomial = (...a: number[]) =>
    a.map(f64.const).reduceRight((sum, coefficient) =>
      f64.add(coefficient, f64.mul(square.get, sum))
    );
  const isOdd = i32.and(quadrant.get, i32.const(1));
  const negated = (condition: Code, value: Code) =>
    f32.demote(select(condition, f64.sub(f64.const(0), value), value));
  return sequence(
    r.set(f64.promote(angle)),
    quarters.set(f64.nearest(f64.mul(r.get, f64.const(2 / Math.PI)))),
    quadrant.set(i32.truncate(quarters.get)),
    r.set(f64.sub(r.get, f64.mul(quarters.get, f64.const(Math.PI / 2)))),
    square.set(f64.mul(r.get, r.get)),
    even.set(polynomial(1, -1 / 2, 1 / 24, -1 / 720, 1 / 40320, -1 / 3628800)),
    odd.set(f64.mul(r.get, polynomial(1, -1 / 6, 1 / 120, -1 / 5040, 1 / 362880))),
    cosine.set(negated(
      i32.and(i32.add(quadrant.get, i32.const(1)), i32.const(2)),
      select(isOdd, odd.get, even.get),
    )),
    sine.set(negated(
      i32.and(quadrant.get, i32.const(2)),
      select(isOdd, even.get, odd.get),
    )),
  );
}

/** Adds `augment(x, t, y, height, width, columns, begin, end)` over images of so many channels. */
function emit(module: ModuleBuilder, channels: 1 | 3): void {
  module.function(ENTRIES[channels], (f) => {
    const p = f.parameters("i32", "x", "t", "y", "height", "width", "columns", "begin", "end");
    const transform = f.local("i32");
    const image = f.local("i32");
    const target = f.local("i32");
    const row = f.local("i32");
    const column = f.local("i32");
    const place = f.local("i32");
    const cosine = f.local("f32");
    const sine = f.local("f32");
    // R(θ)(I + E), row by row.
    const map = f.localArray("f32", 4);
    const centreRow = f.local("f32");
    const centreColumn = f.local("f32");
    const u = f.local("f32");
    // Equal in all lanes.
    const across = f.localArray("v128", 2);
    const widths = f.local("v128");
    const images = f.local("v128");
    const origins = f.localArray("v128", 2);
    const last = f.localArray("v128", 2);
    const lastCorner = f.localArray("v128", 2);
    // Of four pixels.
    const columns = f.local("v128");
    const v = f.local("v128");
    const inputs = f.localArray("v128", 2);
    const corners = f.localArray("v128", 2);
    const at = f.local("v128");
    const pairs = f.localArray("v128", 4);
    const top = f.local("v128");
    const bottom = f.local("v128");
    const [r, c] = inputs;
    const sizes = [p.height, p.width];
    /** Bytes of so many pixels. */
    const pixels = (count: Code) =>
      bytes(channels === 1 ? count : i32.mul(count, i32.const(channels)));
    const below = (size: Local, by: number) => f32.convert(i32.sub(size.get, i32.const(by)));
    const mix = (a: Code, b: Code, share: Code) => module.multiplyAdd(share, f32x4.sub(b, a), a);

    // Two neighbours in a row for each of four pixels.
    const loadPairs = (halves: readonly Local[], offset: Code) =>
      sequence(...halves.flatMap((pair, half) =>
        [0, 1].map((lane) => {
          const address = i32.add(i32x4.extractLane(at.get, 2 * half + lane), offset);
          return pair.set(
            lane === 0 ? v128.load64Zero(address) : v128.load64Lane(address, pair.get, 1),
          );
        })
      ));
    const mixPairs = ([first, second]: readonly Local[]) =>
      mix(
        shuffle32(first.get, second.get, [0, 2, 4, 6]),
        shuffle32(first.get, second.get, [1, 3, 5, 7]),
        c.get,
      );
    const greyPixels = () =>
      sequence(
        loadPairs(pairs.slice(0, 2), i32.const(0)),
        loadPairs(pairs.slice(2), bytes(p.width.get)),
        top.set(mixPairs(pairs.slice(0, 2))),
        bottom.set(mixPairs(pairs.slice(2))),
        v128.store(i32.add(target.get, bytes(place.get)), mix(top.get, bottom.get, r.get)),
      );

    // Two neighbours in a row, a channel a lane; the fourth lane is another pixel's.
    const mixNeighbours = (address: Code, share: Code) => {
      const second = v128.load(address, 2 * 4);
      return mix(v128.load(address), shuffle32(second, second, [1, 2, 3, 3]), share);
    };
    const colourPixel = (lane: number) => {
      const address = i32x4.extractLane(at.get, lane);
      const below = i32.add(address, pixels(p.width.get));
      const share = (of: Local) => shuffle32(of.get, of.get, [lane, lane, lane, lane]);
      const to = i32.add(target.get, pixels(place.get));
      return sequence(
        top.set(mixNeighbours(address, share(c))),
        bottom.set(mixNeighbours(below, share(c))),
        top.set(mix(top.get, bottom.get, share(r))),
        ...[0, 1, 2].map((channel) =>
          v128.storeLane(to, top.get, channel, 12 * lane + 4 * channel)
        ),
      );
    };
    const fourPixels = sequence(
      // The last four of a row may overlap those before them.
      place.set(minimum(column.get, i32.sub(p.width.get, i32.const(4)))),
      v.set(f32x4.add(columns.get, f32x4.splat(f32.convert(place.get)))),
      ...inputs.map((input, axis) =>
        input.set(f32x4.add(origins[axis].get, f32x4.mul(across[axis].get, v.get)))
      ),
      ...inputs.map((input, axis) =>
        sequence(
          // Not max: NaN must become an address within the image too.
          input.set(f32x4.min(f32x4.greater(v128.zero, input.get), last[axis].get)),
          // At the far edge the corner is the last but one, and the share of its neighbour 1.
          corners[axis].set(f32x4.min(f32x4.floor(input.get), lastCorner[axis].get)),
          input.set(f32x4.sub(input.get, corners[axis].get)),
        )
      ),
      at.set(f32x4.add(
        f32x4.add(f32x4.mul(corners[0].get, widths.get), corners[1].get),
        f32x4.splat(f32.const(INTEGERS)),
      )),
      // Shifting by 9 drops sign and exponent; what is left is 4 bytes an element.
      at.set(i32x4.shiftRight(i32x4.shiftLeft(at.get, i32.const(9)), i32.const(7))),
      ...channels === 1 ? [] : [at.set(i32x4.add(i32x4.add(at.get, at.get), at.get))],
      at.set(i32x4.add(at.get, images.get)),
      ...channels === 1 ? [greyPixels()] : [0, 1, 2, 3].map(colourPixel),
    );
    const eachRow = sequence(
      u.set(f32.add(f32.convert(row.get), f32.sub(f32.load(transform.get, 4), centreRow.get))),
      ...[centreRow, centreColumn].map((centre, axis) =>
        origins[axis].set(f32x4.splat(f32.add(f32.mul(map[2 * axis].get, u.get), centre.get)))
      ),
      column.set(i32.const(0)),
      forLoop(column, p.width.get, 4, fourPixels),
      target.increase(pixels(p.width.get)),
    );
    const rotation = [cosine.get, f32.sub(f32.const(0), sine.get), sine.get, cosine.get];
    /** E_ij, behind angle and shifts. */
    const entry = (i: number, j: number) => f32.load(transform.get, 4 * (RIGID + 2 * i + j));
    const addLinear = sequence(...map.map((sum, at) => {
      const [i, j] = [at >> 1, at & 1];
      const [a, b] = rotation.slice(2 * i);
      const product = f32.add(f32.mul(a, entry(0, j)), f32.mul(b, entry(1, j)));
      return sum.set(f32.add(sum.get, product));
    }));
    const eachImage = sequence(
      transform.set(i32.add(p.t.get, bytes(i32.mul(p.begin.get, p.columns.get)))),
      cosineSine(f, f32.load(transform.get), cosine, sine),
      ...map.map((entry, at) => entry.set(rotation[at])),
      when(i32.gtU(p.columns.get, i32.const(RIGID)), addLinear),
      ...across.map((column, axis) => column.set(f32x4.splat(map[2 * axis + 1].get))),
      columns.set(f32x4.add(
        f32x4.const(0, 1, 2, 3),
        f32x4.splat(f32.sub(f32.load(transform.get, 8), centreColumn.get)),
      )),
      image.set(pixels(i32.mul(p.begin.get, i32.mul(p.height.get, p.width.get)))),
      images.set(i32x4.splat(i32.add(p.x.get, image.get))),
      target.set(i32.add(p.y.get, image.get)),
      row.set(i32.const(0)),
      forLoop(row, p.height.get, 1, eachRow),
    );
    return sequence(
      centreRow.set(f32.mul(below(p.height, 1), f32.const(0.5))),
      centreColumn.set(f32.mul(below(p.width, 1), f32.const(0.5))),
      widths.set(f32x4.splat(f32.convert(p.width.get))),
      ...sizes.map((size, axis) =>
        sequence(
          last[axis].set(f32x4.splat(below(size, 1))),
          lastCorner[axis].set(f32x4.splat(below(size, 2))),
        )
      ),
      forLoop(p.begin, p.end.get, 1, eachImage),
    );
  });
}
