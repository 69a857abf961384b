/**
 * Cholesky factors and their inverses, on the host in float64: what few matrices need, once a step. Nearly
 * all of the work are sums of products along two rows; WebAssembly adds those of four rows and two others
 * at once, in vectors of two.
 */
import {
  bytes,
  f64x2,
  forLoop,
  i32,
  MAXIMUM_PAGES,
  MINIMUM_PAGES,
  ModuleBuilder,
  sequence,
  v128,
} from "../../engine/cpu/assembler.ts";

/** Rows, and other rows, whose products are added at once. */
const ROWS = 4;
const OTHERS = 2;
/** Numbers that the module leaves of them: the even and the odd terms of each sum. */
const SUMS = 2 * ROWS * OTHERS;

const DOUBLE = Float64Array.BYTES_PER_ELEMENT;
const PAGE = 2 ** 16;

/**
 * The module of `products(x, y, stride, length)`: sums at address 0 of x[r, k]·y[c, k] over k < length,
 * an even number, of the rows from the addresses x and y on, `stride` bytes apart; the even terms and the
 * odd ones, in order.
 */
function buildModule(): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder({ shared: false, relaxed: false });
  module.function("products", (f) => {
    const { x, y, stride, length } = f.parameters("i32", "x", "y", "stride", "length");
    const k = f.local("i32");
    const rows = [x, ...f.localArray("i32", ROWS - 1)];
    const others = [y, ...f.localArray("i32", OTHERS - 1)];
    const sums = f.localArray("v128", ROWS * OTHERS);
    const factors = f.localArray("v128", OTHERS);
    const value = f.local("v128");
    const follow = (pointers: typeof rows) =>
      pointers.slice(1).map((pointer, i) => pointer.set(i32.add(pointers[i].get, stride.get)));
    return sequence(
      ...follow(rows),
      ...follow(others),
      k.set(i32.const(0)),
      forLoop(
        k,
        length.get,
        2,
        sequence(
          ...factors.map((factor, c) => factor.set(v128.load(others[c].get))),
          ...rows.flatMap((row, r) => [
            value.set(v128.load(row.get)),
            ...factors.map((factor, c) => {
              const sum = sums[r * OTHERS + c];
              return sum.set(f64x2.add(sum.get, f64x2.mul(value.get, factor.get)));
            }),
          ]),
          ...[...rows, ...others].map((pointer) => pointer.increase(2 * DOUBLE)),
        ),
      ),
      ...sums.map((sum, i) => v128.store(bytes(i32.const(4 * i)), sum.get)),
    );
  });
  return module.build();
}

type Products = (x: number, y: number, stride: number, length: number) => void;

/** The module's memory and function: one for all, since each memory reserves much of the address space. */
let instance: { readonly memory: WebAssembly.Memory; readonly products: Products } | undefined;

/** The instance, whose memory has at least so many bytes. */
function instanceOf(byteLength: number): NonNullable<typeof instance> {
  if (!instance) {
    const memory = new WebAssembly.Memory({ initial: MINIMUM_PAGES, maximum: MAXIMUM_PAGES });
    const module = new WebAssembly.Module(buildModule());
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    instance = { memory, products: exports.products as Products };
  }
  const missing = byteLength - instance.memory.buffer.byteLength;
  if (missing > 0) instance.memory.grow(Math.ceil(missing / PAGE));
  return instance;
}

/** Factors matrices [d, d] and inverts the factors. What it holds is lost once another one is made. */
export class Factorization {
  /** L, [d, d], of the last matrix: zeros above its diagonal. */
  readonly factor: Float64Array;
  /** L⁻ᵀ, [d, d]: zeros below its diagonal. Column i is row i of L⁻¹. */
  readonly inverse: Float64Array;
  private readonly sums: Float64Array;
  private readonly products: Products;

  /** Allocates for matrices [d, d]. */
  constructor(private readonly d: number) {
    const [factor, inverse, end] = [0, 1, 2].map((i) => (SUMS + i * d * d) * DOUBLE);
    const { memory: { buffer }, products } = instanceOf(end);
    this.products = products;
    this.sums = new Float64Array(buffer, 0, SUMS);
    this.factor = new Float64Array(buffer, factor, d * d).fill(0);
    this.inverse = new Float64Array(buffer, inverse, d * d).fill(0);
  }

  /**
   * {@linkcode factor}·its transpose = a.
   * @param a Symmetric [d, d], row-major; its upper triangle is not read.
   * @returns Whether `a` is positive definite; if not, there is no factor.
   */
  decompose(a: Float64Array): boolean {
    const { d, factor: l } = this;
    for (let column = 0; column < d; column += OTHERS) {
      const end = Math.min(column + OTHERS, d);
      for (let row = column; row < d; row += ROWS) {
        const rows = Math.min(ROWS, d - row);
        this.multiply(l, row, rows, l, column, end - column, 0, column);
        for (let r = 0; r < rows; r++) {
          const i = row + r;
          for (let j = column; j < end && j <= i; j++) {
            let rest = a[i * d + j] - this.sum(r, j - column);
            for (let k = column; k < j; k++) rest -= l[i * d + k] * l[j * d + k];
            if (i > j) l[i * d + j] = rest / l[j * d + j];
            else if (rest > 0) l[i * d + i] = Math.sqrt(rest);
            else return false;
          }
        }
      }
    }
    return true;
  }

  /** Makes {@linkcode inverse} of the factor. */
  invert(): void {
    const { d, factor: l, inverse } = this;
    for (let row = 0; row < d; row += ROWS) {
      const rows = Math.min(ROWS, d - row);
      for (let column = 0; column < row + rows; column += OTHERS) {
        const end = Math.min(column + OTHERS, row + rows);
        // Before the row's own block; of L⁻¹'s columns those that begin in it have nothing there.
        const length = Math.max(row - column, 0);
        this.multiply(l, row, rows, inverse, column, end - column, column, length);
        for (let r = 0; r < rows; r++) {
          const i = row + r;
          for (let j = column; j < end && j <= i; j++) {
            let rest = (i === j ? 1 : 0) - this.sum(r, j - column);
            for (let k = Math.max(row, j); k < i; k++) rest -= l[i * d + k] * inverse[j * d + k];
            inverse[j * d + i] = rest / l[i * d + i];
          }
        }
      }
    }
  }

  /** Sums of products of `rows` of x with `others` of y over `length` columns from `first` on. */
  private multiply(
    x: Float64Array,
    row: number,
    rows: number,
    y: Float64Array,
    other: number,
    others: number,
    first: number,
    length: number,
  ): void {
    const { d, sums } = this;
    if (rows === ROWS && others === OTHERS && length % 2 === 0) {
      const [from, to] = [
        x.byteOffset + (row * d + first) * DOUBLE,
        y.byteOffset + (other * d + first) * DOUBLE,
      ];
      this.products(from, to, d * DOUBLE, length);
      return;
    }
    sums.fill(0);
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < others; c++) {
        const at = 2 * (r * OTHERS + c);
        const [from, to] = [(row + r) * d + first, (other + c) * d + first];
        for (let k = 0; k < length; k++) sums[at + k % 2] += x[from + k] * y[to + k];
      }
    }
  }

  /** The sum of row r and the other c. */
  private sum(r: number, c: number): number {
    const at = 2 * (r * OTHERS + c);
    return this.sums[at] + this.sums[at + 1];
  }
}
