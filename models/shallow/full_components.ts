/**
 * Gaussians of any covariances, by the inverses of their Cholesky factors L: ‖L⁻¹(x − μ)‖². Those and the
 * second moments are triangles, so that passes over rows go by blocks of columns and leave out what is
 * zero, or stands on the other side of a diagonal.
 */
import { add } from "../../engine/ops/binary.ts";
import { callKernel } from "../../engine/ops/call.ts";
import { dense } from "../../engine/ops/dense.ts";
import { reshape } from "../../engine/ops/reshape.ts";
import { sum } from "../../engine/ops/sum.ts";
import { square } from "../../engine/ops/unary.ts";
import type { State } from "../../engine/state/state.ts";
import type { Tensor, Variable } from "../../engine/tensor/tensor.ts";
import { dense as denseKernel } from "../../kernels/dense.ts";
import { reduce } from "../../kernels/reduce.ts";
import { weightedScatter } from "../../kernels/weighted_scatter.ts";
import { DivergedError } from "../estimator.ts";
import { Factorization } from "./cholesky.ts";
import { Components, type Maximization, type Mixture } from "./mixture_components.ts";

/** Columns of a block: few, so that little is computed in vain, but enough for fast products. */
const BLOCK = 64;

/** Some columns of all components. */
interface Columns {
  /** The first one, and the one after the last. */
  readonly first: number;
  readonly end: number;
  /** How many. */
  readonly width: number;
}

/** Blocks of at most `most` columns, of d in all. */
function blocksOf(d: number, most: number): Columns[] {
  return Array.from({ length: Math.ceil(d / most) }, (_, i) => {
    const first = i * most;
    const end = Math.min(first + most, d);
    return { first, end, width: end - first };
  });
}

/** Row i of Σ up to its diagonal: second moments over their weight, for a mean that has been moved. */
function moveRow(
  moments: ArrayLike<number>,
  from: number,
  weight: number,
  shift: number,
  mean: Float64Array,
  covariance: Float64Array,
  i: number,
): void {
  const to = i * mean.length;
  for (let j = 0; j <= i; j++) {
    covariance[to + j] = moments[from + j] / weight - shift * mean[j];
  }
}

/** Rows of a strip that is mirrored at once: 16 numbers of a column and of a row stay in the cache. */
const STRIP = 16;

/** Makes a matrix [d, d] symmetric by its lower triangle. */
function mirror(a: Float64Array, d: number): void {
  for (let first = 0; first < d; first += STRIP) {
    for (let j = 0; j < Math.min(first + STRIP, d); j++) {
      for (let i = Math.max(first, j + 1); i < Math.min(first + STRIP, d); i++) {
        a[j * d + i] = a[i * d + j];
      }
    }
  }
}

/** −L⁻¹ μ by the rows of L⁻ᵀ from their diagonal on. */
function biasOf(inverse: Float64Array, stride: number, mean: Float64Array, to: Float64Array): void {
  to.fill(0);
  for (let j = 0; j < mean.length; j++) {
    const value = mean[j];
    for (let i = j; i < mean.length; i++) to[i] -= inverse[j * stride + i] * value;
  }
}

/** Copies numbers, which a typed array's `set` is slow at where their types differ. */
function copy(x: Float64Array, from: number, length: number, y: Float32Array, to: number): void {
  for (let i = 0; i < length; i++) y[to + i] = x[from + i];
}

/** Any covariances. */
export class FullComponents extends Components {
  private readonly blocks: readonly Columns[];
  /** The block's columns of L_k⁻ᵀ side by side, without the zeros below: [end, K·width]. */
  private readonly whitenings: readonly Variable[];
  /** −L_k⁻¹ μ_k, [K·width]. */
  private readonly biases: readonly Variable[];
  /** What is made of a block of rows: L⁻¹(x − μ), its squares' sums, second moments. */
  private readonly made?: {
    readonly white: Variable;
    readonly norms: readonly Variable[];
    readonly scatters: readonly Variable[];
  };

  /** Allocates; `rows` as in `makeComponents`. */
  constructor(state: State, k: number, d: number, rows: number) {
    const blocks = blocksOf(d, rows > 0 ? BLOCK : d);
    const shapes = rows > 0 ? blocks.map(({ end, width }) => [k * width, end]) : [];
    super(state, k, d, shapes);
    const variable = (name: string, shape: readonly number[]) =>
      state.variable(`mixture ${name}`, shape, { saved: false });
    this.blocks = blocks;
    this.whitenings = blocks.map(({ end, width }, i) =>
      variable(`whitening ${i}`, [end, k * width])
    );
    this.biases = blocks.map(({ width }, i) => variable(`bias ${i}`, [k * width]));
    if (rows === 0) return;
    this.made = {
      white: variable("white rows", [rows, k * blocks[0].width]),
      norms: blocks.map((_, i) => variable(`norms ${i}`, [rows, k])),
      scatters: shapes.map((shape, i) => variable(`scatter ${i}`, shape)),
    };
  }

  protected override writeCovariances({ means, covariances }: Mixture): number[] {
    const { k, d, blocks } = this;
    const whitenings = this.whitenings.map(({ size }) => new Float32Array(size));
    const biases = this.biases.map(({ size }) => new Float32Array(size));
    const factorization = new Factorization(d);
    const { factor, inverse, stride } = factorization;
    const bias = new Float64Array(d);
    const determinants = Array.from({ length: k }, (_, c) => {
      if (!factorization.decompose(covariances.subarray(c * d * d, (c + 1) * d * d))) {
        throw new DivergedError(
          `the covariance of component ${c} is not positive definite; raise regCovar or check ` +
            `the data`,
        );
      }
      factorization.invert();
      biasOf(inverse, stride, means.subarray(c * d, (c + 1) * d), bias);
      blocks.forEach(({ first, end, width }, b) => {
        biases[b].set(bias.subarray(first, end), c * width);
        for (let j = 0; j < end; j++) {
          const from = j * stride + first;
          copy(inverse, from, width, whitenings[b], (j * k + c) * width);
        }
      });
      let logDeterminant = 0;
      for (let i = 0; i < d; i++) logDeterminant += 2 * Math.log(factor[i * stride + i]);
      return logDeterminant;
    });
    this.whitenings.forEach((variable, b) => variable.write(whitenings[b]));
    this.biases.forEach((variable, b) => variable.write(biases[b]));
    return determinants;
  }

  protected override distances(x: Tensor): Tensor {
    const { k, d, blocks, whitenings, biases, made } = this;
    const [n] = x.shape;
    if (!made) {
      const white = dense(x, whitenings[0], biases[0]);
      return sum(square(reshape(white, [n, k, d])), 2, 3);
    }
    const { white, norms } = made;
    blocks.forEach(({ end, width }, b) => {
      const product = { m: n, k: end, n: k * width, stride: d };
      callKernel(denseKernel, product, [x, whitenings[b], biases[b], white]);
      const sums = { rows: n * k, n: width, block: width };
      callKernel(reduce, sums, [white, norms[b]], { SQUARES: 1 });
    });
    return norms.slice(1).reduce<Tensor>(add, norms[0]);
  }

  /** Σ_i γ_ik (x_i − μ_k) x_iᵀ of all k, a block's rows of each up to the block's last column. */
  protected override secondMoments(x: Tensor, gamma: Tensor): readonly Tensor[] {
    const { k, d, blocks, means, made } = this;
    const scatters = made?.scatters ?? [];
    scatters.forEach((scatter, b) => {
      const { first, width } = blocks[b];
      const params = { m: x.shape[0], d, k, first, width };
      callKernel(weightedScatter, params, [x, gamma, means, scatter]);
    });
    return scatters;
  }

  /** Σ_i γ (x − μ) xᵀ − N δ (μ + δ)ᵀ is Σ_i γ (x − μ − δ)(x − μ − δ)ᵀ for a mean moved by δ. */
  protected override covariances(
    weights: Float64Array,
    means: Float64Array,
    shifts: Float64Array,
    seconds: readonly ArrayLike<number>[],
    { regCovar }: Maximization,
  ): Float64Array {
    const { k, d } = this;
    const found = new Float64Array(k * d * d);
    for (let c = 0; c < k; c++) {
      const mean = means.subarray(c * d, (c + 1) * d);
      const covariance = found.subarray(c * d * d, (c + 1) * d * d);
      this.blocks.forEach(({ first, end, width }, b) => {
        for (let i = first; i < end; i++) {
          const row = (c * width + i - first) * end;
          moveRow(seconds[b], row, weights[c], shifts[c * d + i], mean, covariance, i);
          covariance[i * d + i] += regCovar;
        }
      });
      mirror(covariance, d);
    }
    return found;
  }
}
