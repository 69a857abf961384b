/** Cholesky factors and their inverses, on the host in float64: what few matrices need, once a step. */
import { MAXIMUM_PAGES, MINIMUM_PAGES } from "../../engine/cpu/assembler.ts";
import { buildModule, OTHERS, ROWS } from "./cholesky_module.ts";

const DOUBLE = Float64Array.BYTES_PER_ELEMENT;
const PAGE = 2 ** 16;

/** The module's memory and functions. */
interface Instance {
  readonly memory: WebAssembly.Memory;
  readonly decompose: (l: number, n: number, stride: number) => void;
  readonly invert: (l: number, inverse: number, n: number, stride: number) => void;
}

/** One for all, since each memory reserves much of the address space. */
let instance: Instance | undefined;

/** The instance, whose memory has at least so many bytes. */
function instanceOf(byteLength: number): Instance {
  if (!instance) {
    const memory = new WebAssembly.Memory({ initial: MINIMUM_PAGES, maximum: MAXIMUM_PAGES });
    const module = new WebAssembly.Module(buildModule());
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    instance = { memory, ...exports as Omit<Instance, "memory"> };
  }
  const missing = byteLength - instance.memory.buffer.byteLength;
  if (missing > 0) instance.memory.grow(Math.ceil(missing / PAGE));
  return instance;
}

/** Factors matrices [d, d] and inverts the factors. What it holds is lost once another one is made. */
export class Factorization {
  /** Numbers from a row of the factor, or of the inverse, to the next. */
  readonly stride: number;
  /** L, rows of d numbers: zeros above its diagonal. */
  readonly factor: Float64Array;
  /** L⁻ᵀ, rows of d numbers: zeros below its diagonal. Column i is row i of L⁻¹. */
  readonly inverse: Float64Array;
  private readonly instance: Instance;

  /** Allocates for matrices [d, d]. */
  constructor(private readonly d: number) {
    // Whole tiles, which the rows and columns of a unit matrix fill up.
    const n = Math.ceil(d / ROWS) * ROWS;
    const [factors, inverses] = [(n + OTHERS) * n, n * n];
    this.stride = n;
    this.instance = instanceOf((factors + inverses) * DOUBLE);
    const { buffer } = this.instance.memory;
    this.factor = new Float64Array(buffer, 0, factors).fill(0);
    this.inverse = new Float64Array(buffer, factors * DOUBLE, inverses).fill(0);
  }

  /**
   * {@linkcode factor}·its transpose = a.
   * @param a Symmetric [d, d], row-major; its upper triangle is not read.
   * @returns Whether `a` is positive definite; if not, there is no factor.
   */
  decompose(a: Float64Array): boolean {
    const { d, stride, factor, instance } = this;
    for (let i = 0; i < d; i++) factor.set(a.subarray(i * d, i * d + i + 1), i * stride);
    for (let i = d; i < stride; i++) {
      factor.fill(0, i * stride, i * stride + i);
      factor[i * stride + i] = 1;
    }
    instance.decompose(factor.byteOffset, stride, stride * DOUBLE);
    for (let i = 0; i < d; i++) {
      if (!(factor[i * stride + i] > 0)) return false;
    }
    return true;
  }

  /** Makes {@linkcode inverse} of the factor. */
  invert(): void {
    const { stride, factor, inverse, instance } = this;
    instance.invert(factor.byteOffset, inverse.byteOffset, stride, stride * DOUBLE);
  }
}
