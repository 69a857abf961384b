import {
  bytes,
  f32,
  f32x4,
  forLoop,
  i32,
  type ModuleBuilder,
  sequence,
  v128,
} from "../assembler.ts";
import type { WasmKernel } from "./kernel.ts";
import { emitProduct, productPass, productScratch } from "./product.ts";
import { emitTransposition, transposedStride, transpositionPass } from "./transposition.ts";

/**
 * (γ (x − μ))ᵀ · x: the block's columns of x and the weights are transposed, then the left factor is
 * made of them, along its rows.
 */
export const weightedScatter: WasmKernel = {
  emit(module, tile) {
    emitTransposition(module);
    emitWeigh(module);
    emitProduct(module, "weighted_scatter", { right: "rows", masked: false, tile });
  },
  supports: ({ m }) => m > 0,
  scratch: ({ m, k, width }, _constants, tile) => ({
    ...productScratch(tile),
    shared: (width + k + k * width) * transposedStride(m) * 4,
  }),
  passes({ m, d, k, first, width }, _constants, { regions, shared, own }, tile) {
    const [x, gamma, means, s] = regions;
    const stride = transposedStride(m);
    const columns = shared;
    const weights = columns + width * stride * 4;
    const left = weights + k * stride * 4;
    return [
      transpositionPass({ from: x + first * 4, stride: d, rows: m, columns: width, to: columns }),
      transpositionPass({ from: gamma, stride: k, rows: m, columns: k, to: weights }),
      {
        entry: "weighted_scatter_weigh",
        extent: k * width,
        parameters: [columns, weights, means + first * 4, left, m, d, width, stride],
      },
      productPass("weighted_scatter", {
        left,
        leftStride: stride,
        right: x,
        rightStride: d,
        to: s,
        rows: k * width,
        depth: m,
        columns: first + width,
        own,
      }, tile),
    ];
  },
};

/**
 * Adds `weighted_scatter_weigh(columns, weights, means, to, m, d, width, stride, begin, end)` over rows
 * (c, a) of the left factor: to[c·width + a, i] = γ[i, c]·(x[i, a] − μ[c, a]), in whole vectors.
 */
function emitWeigh(module: ModuleBuilder): void {
  module.function("weighted_scatter_weigh", (f) => {
    const { columns, weights, means, to, m, d, width, stride, begin, end } = f.parameters(
      "i32",
      "columns",
      "weights",
      "means",
      "to",
      "m",
      "d",
      "width",
      "stride",
      "begin",
      "end",
    );
    const component = f.local("i32");
    const column = f.local("i32");
    const i = f.local("i32");
    const mean = f.local("v128");
    const at = (base: typeof i, row: typeof i) =>
      i32.add(base.get, bytes(i32.add(i32.mul(row.get, stride.get), i.get)));
    return forLoop(
      begin,
      end.get,
      1,
      sequence(
        component.set(i32.divU(begin.get, width.get)),
        column.set(i32.sub(begin.get, i32.mul(component.get, width.get))),
        mean.set(f32x4.splat(f32.load(
          i32.add(
            means.get,
            bytes(i32.add(i32.mul(component.get, d.get), column.get)),
          ),
        ))),
        i.set(i32.const(0)),
        forLoop(
          i,
          m.get,
          4,
          v128.store(
            at(to, begin),
            f32x4.mul(
              v128.load(at(weights, component)),
              f32x4.sub(v128.load(at(columns, column)), mean.get),
            ),
          ),
        ),
      ),
    );
  });
}
