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
    const { factor, inverse } = factorization;
    const determinants = Array.from({ length: k }, (_, c) => {
      if (!factorization.decompose(covariances.subarray(c * d * d, (c + 1) * d * d))) {
        throw new DivergedError(
          `the covariance of component ${c} is not positive definite; raise regCovar or check ` +
            `the data`,
        );
      }
      factorization.invert();
      blocks.forEach(({ first, end, width }, b) => {
        for (let i = first; i < end; i++) {
          let moved = 0;
          for (let j = 0; j <= i; j++) moved -= inverse[j * d + i] * means[c * d + j];
          biases[b][c * width + i - first] = moved;
        }
        for (let j = 0; j < end; j++) {
          whitenings[b].set(inverse.subarray(j * d + first, j * d + end), (j * k + c) * width);
        }
      });
      let logDeterminant = 0;
      for (let i = 0; i < d; i++) logDeterminant += 2 * Math.log(factor[i * d + i]);
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
    this.blocks.forEach(({ first, end, width }, b) => {
      for (let c = 0; c < k; c++) {
        for (let i = first; i < end; i++) {
          const row = (c * width + i - first) * end;
          const shift = shifts[c * d + i];
          for (let j = 0; j <= i; j++) {
            const value = seconds[b][row + j] / weights[c] - shift * means[c * d + j];
            found[(c * d + i) * d + j] = found[(c * d + j) * d + i] = value;
          }
          found[(c * d + i) * d + i] += regCovar;
        }
      }
    });
    return found;
  }
}
