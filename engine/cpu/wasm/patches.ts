import type { Params } from "../../../kernels/kernel.ts";
import {
  bytes,
  type Code,
  f32x4,
  forLoop,
  type FunctionBuilder,
  type FunctionHandle,
  i32,
  type Local,
  minimum,
  type ModuleBuilder,
  select,
  sequence,
  v128,
  when,
  whileLoop,
} from "../assembler.ts";
import { NO_SCRATCH, type WasmKernel } from "./kernel.ts";

/** Patches of images as rows; a stretch of a patch's row lies together here and there. */
export const unfold: WasmKernel = {
  emit: emitUnfold,
  supports: () => true,
  scratch: () => NO_SCRATCH,
  passes: (params, _constants, { regions }) => [{
    entry: "unfold",
    extent: params.n * params.oh,
    parameters: [...regions, ...geometry(params)],
  }],
};

/** Sums of overlapping patches, a row of pixels at a time: each pixel adds patches in order. */
export const fold: WasmKernel = {
  emit: emitFold,
  supports: () => true,
  scratch: () => NO_SCRATCH,
  passes: (params, { USE_BIAS }, { regions }) => [{
    entry: "fold",
    extent: params.n * params.h,
    parameters: [...regions, USE_BIAS, ...geometry(params)],
  }],
};

const GEOMETRY = ["h", "w", "c", "k", "stride", "padding", "oh", "ow"] as const;

function geometry(params: Params): number[] {
  return GEOMETRY.map((name) => params[name]);
}

/** Parameters and locals that place a stretch: what a patch's row has in common with an image's. */
function stretches<const N extends readonly string[]>(f: FunctionBuilder, ...leading: N) {
  const p = {
    ...f.parameters("i32", ...leading),
    ...f.parameters("i32", ...GEOMETRY, "begin", "end"),
  };
  const v = {
    px: f.local("i32"),
    left: f.local("i32"),
    low: f.local("i32"),
    high: f.local("i32"),
    patch: f.local("i32"),
    image: f.local("i32"),
  };
  return {
    p,
    v,
    /** Columns [low, high) of patch px that lie in the image, whose first is at `left` behind the padding. */
    place: sequence(
      v.left.set(i32.mul(v.px.get, p.stride.get)),
      v.low.set(select(
        i32.ltU(v.left.get, p.padding.get),
        i32.sub(p.padding.get, v.left.get),
        i32.const(0),
      )),
      v.high.set(minimum(p.k.get, i32.sub(i32.add(p.w.get, p.padding.get), v.left.get))),
    ),
    /** The stretch's address in row `row` of the images at `base`, all images' rows in one count. */
    inImage: (base: Local, row: Code) =>
      i32.add(
        base.get,
        bytes(i32.mul(
          i32.add(
            i32.mul(row, p.w.get),
            i32.sub(i32.add(v.left.get, v.low.get), p.padding.get),
          ),
          p.c.get,
        )),
      ),
    /** The address of row `ky` of the patch px of the row of patches `patches`. */
    inPatch: (base: Local, patches: Code, ky: Code) =>
      i32.add(
        base.get,
        bytes(i32.mul(
          i32.mul(
            i32.add(
              i32.mul(i32.add(i32.mul(patches, p.ow.get), v.px.get), p.k.get),
              ky,
            ),
            p.k.get,
          ),
          p.c.get,
        )),
      ),
    /** Numbers of so many pixels. */
    numbers: (pixels: Code) => i32.mul(pixels, p.c.get),
  };
}

/**
 * Adds `unfold(x, y, h, w, c, k, stride, padding, oh, ow, begin, end)` over rows of patches.
 */
function emitUnfold(module: ModuleBuilder): void {
  const copy = emitRun(module, "copy", (from) => from);
  const clear = emitRun(module, "clear", () => v128.zero);
  module.function("unfold", (f) => {
    const { p, v, place, inImage, inPatch, numbers } = stretches(f, "x", "y");
    const image = f.local("i32");
    const row = f.local("i32");
    const ky = f.local("i32");
    const to = f.local("i32");
    const clearPixels = (pixels: Code) =>
      sequence(
        clear.call(to.get, to.get, numbers(pixels)),
        to.increase(bytes(numbers(pixels))),
      );
    const inside = sequence(
      clearPixels(v.low.get),
      copy.call(
        inImage(p.x, i32.add(i32.mul(image.get, p.h.get), row.get)),
        to.get,
        numbers(i32.sub(v.high.get, v.low.get)),
      ),
      to.increase(bytes(numbers(i32.sub(v.high.get, v.low.get)))),
      clearPixels(i32.sub(p.k.get, v.high.get)),
    );
    const patchRow = sequence(
      // A row before the first wraps around to a large number.
      row.set(i32.sub(
        i32.add(i32.mul(i32.remainderU(p.begin.get, p.oh.get), p.stride.get), ky.get),
        p.padding.get,
      )),
      when(i32.ltU(row.get, p.h.get), inside, clearPixels(p.k.get)),
    );
    const patch = sequence(place, ky.set(i32.const(0)), forLoop(ky, p.k.get, 1, patchRow));
    return sequence(
      to.set(inPatch(p.y, p.begin.get, i32.const(0))),
      forLoop(
        p.begin,
        p.end.get,
        1,
        sequence(
          image.set(i32.divU(p.begin.get, p.oh.get)),
          v.px.set(i32.const(0)),
          forLoop(v.px, p.ow.get, 1, patch),
        ),
      ),
    );
  });
}

/**
 * Adds `fold(y, b, x, useBias, h, w, c, k, stride, padding, oh, ow, begin, end)` over rows of pixels.
 */
function emitFold(module: ModuleBuilder): void {
  const copy = emitRun(module, "copy", (from) => from);
  const clear = emitRun(module, "clear", () => v128.zero);
  const add = emitRun(module, "add", (from, to) => f32x4.add(to, from));
  module.function("fold", (f) => {
    const { p, v, place, inImage, inPatch, numbers } = stretches(f, "y", "b", "x", "useBias");
    const image = f.local("i32");
    const top = f.local("i32");
    const py = f.local("i32");
    const stop = f.local("i32");
    const to = f.local("i32");
    const pixel = f.local("i32");
    const line = i32.add(p.x.get, bytes(numbers(i32.mul(p.begin.get, p.w.get))));
    const start = when(
      p.useBias.get,
      sequence(
        pixel.set(i32.const(0)),
        to.set(line),
        forLoop(
          pixel,
          p.w.get,
          1,
          sequence(copy.call(p.b.get, to.get, p.c.get), to.increase(bytes(p.c.get))),
        ),
      ),
      clear.call(line, line, numbers(p.w.get)),
    );
    const patch = sequence(
      place,
      add.call(
        i32.add(
          inPatch(
            p.y,
            i32.add(i32.mul(image.get, p.oh.get), py.get),
            i32.sub(top.get, i32.mul(py.get, p.stride.get)),
          ),
          bytes(numbers(v.low.get)),
        ),
        inImage(p.x, p.begin.get),
        numbers(i32.sub(v.high.get, v.low.get)),
      ),
    );
    return forLoop(
      p.begin,
      p.end.get,
      1,
      sequence(
        start,
        image.set(i32.divU(p.begin.get, p.h.get)),
        top.set(i32.add(i32.remainderU(p.begin.get, p.h.get), p.padding.get)),
        py.set(select(
          i32.ltU(top.get, p.k.get),
          i32.const(0),
          i32.add(i32.divU(i32.sub(top.get, p.k.get), p.stride.get), i32.const(1)),
        )),
        stop.set(
          minimum(p.oh.get, i32.add(i32.divU(top.get, p.stride.get), i32.const(1))),
        ),
        forLoop(
          py,
          stop.get,
          1,
          sequence(v.px.set(i32.const(0)), forLoop(v.px, p.ow.get, 1, patch)),
        ),
      ),
    );
  });
}

/** A function `NAME(from, to, count)`: to[i] = value(from[i], to[i]). */
function emitRun(
  module: ModuleBuilder,
  name: string,
  value: (from: Code, to: Code) => Code,
): FunctionHandle {
  return module.once(`run: ${name}`, () =>
    module.function(undefined, (f) => {
      const { from, to, count } = f.parameters("i32", "from", "to", "count");
      const turn = (numbers: number, load: typeof v128.load, store: typeof v128.store) =>
        whileLoop(
          i32.geU(count.get, i32.const(numbers)),
          sequence(
            store(to.get, value(load(from.get), load(to.get))),
            from.increase(4 * numbers),
            to.increase(4 * numbers),
            count.increase(-numbers),
          ),
        );
      return sequence(
        turn(4, v128.load, v128.store),
        turn(1, v128.load32Splat, v128.storeLane0),
      );
    }));
}
