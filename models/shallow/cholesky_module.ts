/**
 * The WebAssembly of Cholesky factors and their inverses. Nearly all of the work are sums of products
 * along two rows, which are added for four rows and two others at once, in vectors of two: the even
 * terms and the odd ones.
 */
import {
  type Code,
  f64,
  f64x2,
  forLoop,
  type FunctionBuilder,
  i32,
  type Local,
  ModuleBuilder,
  sequence,
  shuffle32,
  v128,
  when,
} from "../../engine/cpu/assembler.ts";

/** Rows, and other rows, whose products are added at once. */
export const ROWS = 4;
/** See {@linkcode ROWS}. */
export const OTHERS = 2;

const DOUBLE = Float64Array.BYTES_PER_ELEMENT;

/** The first halves of two vectors, and the second ones. */
const firsts = (a: Code, b: Code) => shuffle32(a, b, [0, 1, 4, 5]);
const seconds = (a: Code, b: Code) => shuffle32(a, b, [2, 3, 6, 7]);

/** Sums over k < length, an even number, of x[r, k]·y[c, k]. */
interface Products {
  /** Makes them of the rows from two addresses on. */
  add(x: Code, y: Code, length: Code): Code;
  /** Even and odd terms of row r and the other c. */
  readonly sums: readonly (readonly Local[])[];
}

/** The code for {@linkcode Products} of rows that are `stride` bytes apart. */
function productsOf(f: FunctionBuilder, stride: Local): Products {
  const k = f.local("i32");
  const rows = f.localArray("i32", ROWS);
  const others = f.localArray("i32", OTHERS);
  const sums = rows.map(() => f.localArray("v128", OTHERS));
  const factors = f.localArray("v128", OTHERS);
  const value = f.local("v128");
  const follow = (first: Code, pointers: readonly Local[]) =>
    pointers.map((pointer, i) =>
      pointer.set(i === 0 ? first : i32.add(pointers[i - 1].get, stride.get))
    );
  const term = sequence(
    ...factors.map((factor, c) => factor.set(v128.load(others[c].get))),
    ...rows.flatMap((row, r) => [
      value.set(v128.load(row.get)),
      ...factors.map((factor, c) =>
        sums[r][c].set(f64x2.add(sums[r][c].get, f64x2.mul(value.get, factor.get)))
      ),
    ]),
    ...[...rows, ...others].map((pointer) => pointer.increase(2 * DOUBLE)),
  );
  const add = (x: Code, y: Code, length: Code) =>
    sequence(
      ...follow(x, rows),
      ...follow(y, others),
      ...sums.flat().map((sum) => sum.set(v128.zero)),
      k.set(i32.const(0)),
      forLoop(k, length, 2, term),
    );
  return { add, sums };
}

/**
 * Adds `decompose(l, n, stride)`: the lower triangle of the matrix [n, n] at l becomes its factor. Not a
 * number, or 0, stands on the diagonal where there is none. Two rows below the matrix are overwritten.
 */
function emitDecompose(module: ModuleBuilder): void {
  module.function("decompose", (f) => {
    const { l, n, stride } = f.parameters("i32", "l", "n", "stride");
    const [column, row, columnAt, target, diagonal] = f.localArray("i32", 5);
    const { add, sums } = productsOf(f, stride);
    const [a, b, x, y] = f.localArray("v128", 4);
    const below = (address: Local, rows: number) =>
      i32.add(address.get, i32.mul(stride.get, i32.const(rows)));
    const splat = (address: Code, offset = 0) => v128.load64Splat(address, offset);
    const columnSums = (first: number, c: number) => {
      const pair = [sums[first][c].get, sums[first + 1][c].get] as const;
      return f64x2.add(firsts(...pair), seconds(...pair));
    };
    /** Of two rows that are both below the diagonal, whose columns depend on the first one's. */
    const pair = (first: number) =>
      sequence(
        a.set(v128.load(below(target, first))),
        b.set(v128.load(below(target, first + 1))),
        x.set(f64x2.div(
          f64x2.sub(firsts(a.get, b.get), columnSums(first, 0)),
          splat(diagonal.get),
        )),
        y.set(f64x2.div(
          f64x2.sub(
            f64x2.sub(seconds(a.get, b.get), columnSums(first, 1)),
            f64x2.mul(x.get, splat(below(diagonal, 1))),
          ),
          splat(below(diagonal, 1), DOUBLE),
        )),
        v128.store(below(target, first), firsts(x.get, y.get)),
        v128.store(below(target, first + 1), seconds(x.get, y.get)),
      );
    const rest = (r: number, c: number) => {
      const sum = sums[r][c].get;
      const total = f64.add(f64x2.extractLane(sum, 0), f64x2.extractLane(sum, 1));
      return f64.sub(f64.load(below(target, r), c * DOUBLE), total);
    };
    const root = f.local("f64");
    const corner = sequence(
      root.set(f64.sqrt(rest(0, 0))),
      f64.store(target.get, root.get),
      root.set(f64.div(rest(1, 0), root.get)),
      f64.store(below(target, 1), root.get),
      root.set(f64.sqrt(f64.sub(rest(1, 1), f64.mul(root.get, root.get)))),
      f64.store(below(target, 1), root.get, DOUBLE),
    );
    const tile = sequence(
      add(i32.sub(target.get, columnAt.get), i32.sub(diagonal.get, columnAt.get), column.get),
      when(i32.eq(row.get, column.get), corner, pair(0)),
      pair(2),
      target.set(below(target, ROWS)),
    );
    return forLoop(
      column,
      n.get,
      OTHERS,
      sequence(
        columnAt.set(i32.mul(column.get, i32.const(DOUBLE))),
        diagonal.set(i32.add(i32.add(l.get, i32.mul(column.get, stride.get)), columnAt.get)),
        target.set(diagonal.get),
        row.set(column.get),
        forLoop(row, n.get, ROWS, tile),
      ),
    );
  });
}

/** Adds `invert(l, inverse, n, stride)`: L⁻ᵀ of the factor [n, n] at l, its upper triangle alone. */
function emitInvert(module: ModuleBuilder): void {
  module.function("invert", (f) => {
    const { l, inverse, n, stride } = f.parameters("i32", "l", "inverse", "n", "stride");
    const [row, column, rowAt, columnAt, rowOfL, diagonal, target] = f.localArray("i32", 7);
    const { add, sums } = productsOf(f, stride);
    const found = f.localArray("v128", ROWS);
    const below = (address: Local, rows: number) =>
      i32.add(address.get, i32.mul(stride.get, i32.const(rows)));
    /** L at (r, k) of the four rows' own block. */
    const at = (r: number, k: number) => [below(diagonal, r), k * DOUBLE] as const;
    const lessKnown = (r: number) => {
      const [a, b] = [sums[r][0].get, sums[r][1].get];
      const total = f64x2.add(firsts(a, b), seconds(a, b));
      return found.slice(0, r).reduce(
        (rest, known, k) => f64x2.sub(rest, f64x2.mul(v128.load64Splat(...at(r, k)), known.get)),
        f64x2.sub(v128.zero, total),
      );
    };
    const tile = sequence(
      columnAt.set(i32.mul(column.get, i32.const(DOUBLE))),
      target.set(i32.add(inverse.get, i32.mul(column.get, stride.get))),
      add(
        i32.add(rowOfL.get, columnAt.get),
        i32.add(target.get, columnAt.get),
        i32.sub(row.get, column.get),
      ),
      ...found.map((x, r) => x.set(f64x2.div(lessKnown(r), v128.load64Splat(...at(r, r))))),
      target.set(i32.add(target.get, rowAt.get)),
      ...[0, 2].flatMap((r) => [
        v128.store(target.get, firsts(found[r].get, found[r + 1].get), r * DOUBLE),
        v128.store(below(target, 1), seconds(found[r].get, found[r + 1].get), r * DOUBLE),
      ]),
    );
    /** The inverse of the rows' own block, whose columns nothing stands before. */
    const corner = Array.from(
      { length: ROWS },
      (_, j) =>
        Array.from({ length: ROWS - j }, (_, below_) => {
          const i = j + below_;
          const known = Array.from({ length: i - j }, (_, k) => j + k);
          const rest = known.reduce(
            (rest, k) =>
              f64.sub(
                rest,
                f64.mul(f64.load(...at(i, k)), f64.load(below(target, j), k * DOUBLE)),
              ),
            f64.const(i === j ? 1 : 0),
          );
          return f64.store(below(target, j), f64.div(rest, f64.load(...at(i, i))), i * DOUBLE);
        }),
    ).flat();
    return forLoop(
      row,
      n.get,
      ROWS,
      sequence(
        rowAt.set(i32.mul(row.get, i32.const(DOUBLE))),
        rowOfL.set(i32.add(l.get, i32.mul(row.get, stride.get))),
        diagonal.set(i32.add(rowOfL.get, rowAt.get)),
        column.set(i32.const(0)),
        forLoop(column, row.get, OTHERS, tile),
        target.set(i32.add(i32.add(inverse.get, i32.mul(row.get, stride.get)), rowAt.get)),
        ...corner,
      ),
    );
  });
}

/** The module, of both functions. Matrices have a multiple of {@linkcode ROWS} rows. */
export function buildModule(): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder({ shared: false, relaxed: false });
  emitDecompose(module);
  emitInvert(module);
  return module.build();
}
