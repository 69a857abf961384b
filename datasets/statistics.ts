/** Statistics of columns, of all rows in one pass and in float64. */

/** Means, variances and ranges of d columns, after Welford (Technometrics 1962). */
export class ColumnStatistics {
  /** Rows so far. */
  n = 0;
  /** [d] */
  readonly mean: Float64Array;
  /** [d] smallest values. */
  readonly min: Float64Array;
  /** [d] largest values. */
  readonly max: Float64Array;
  /** [d] Σ (x − mean)² */
  private readonly squares: Float64Array;
  /** [d] Σ (x − float32(x))² */
  private readonly roundings: Float64Array;

  /** Of no rows yet. */
  constructor(readonly d: number) {
    this.mean = new Float64Array(d);
    this.squares = new Float64Array(d);
    this.roundings = new Float64Array(d);
    this.min = new Float64Array(d).fill(Infinity);
    this.max = new Float64Array(d).fill(-Infinity);
  }

  /** Adds rows: [m, d] row-major. */
  add(values: ArrayLike<number>): this {
    const { d, mean, squares, min, max } = this;
    for (let row = 0; row < values.length; row += d) {
      const share = 1 / ++this.n;
      for (let j = 0; j < d; j++) {
        const value = values[row + j];
        const distance = value - mean[j];
        mean[j] += distance * share;
        squares[j] += distance * (value - mean[j]);
        if (value < min[j]) min[j] = value;
        if (value > max[j]) max[j] = value;
      }
    }
    const isWide = values instanceof Float64Array || values instanceof Int32Array ||
      values instanceof Uint32Array;
    if (isWide) this.addRoundings(values);
    return this;
  }

  /** Sums what rounding to float32 takes from the values. */
  private addRoundings(values: Float64Array | Int32Array | Uint32Array): void {
    const { d, roundings } = this;
    for (let row = 0; row < values.length; row += d) {
      for (let j = 0; j < d; j++) {
        const error = Math.fround(values[row + j]) - values[row + j];
        roundings[j] += error * error;
      }
    }
  }

  /**
   * The columns whose rounding to float32 is more than a thousandth of their spread, so that values
   * that differ become the same.
   */
  get merged(): number[] {
    const { n, deviations } = this;
    return Array.from(this.roundings.keys()).filter((j) =>
      deviations[j] > 0 && Math.sqrt(this.roundings[j] / n) > deviations[j] / 1000
    );
  }

  /** The columns that are not constant, but whose squared differences are 0 even in float64. */
  get vanishing(): number[] {
    const { deviations, min, max } = this;
    return Array.from(deviations.keys()).filter((j) => deviations[j] === 0 && max[j] > min[j]);
  }

  /** The columns whose squared differences are past float64, so that they have no variance. */
  get overflowing(): number[] {
    const { deviations } = this;
    return Array.from(deviations.keys()).filter((j) => !Number.isFinite(deviations[j]));
  }

  /** [d] standard deviations (1/n); exactly 0 for constant columns. */
  get deviations(): Float64Array {
    return this.squares.map((sum) => Math.sqrt(sum / this.n));
  }

  /** The largest absolute value. */
  get largest(): number {
    let largest = 0;
    for (let j = 0; j < this.d; j++) {
      largest = Math.max(largest, Math.abs(this.min[j]), Math.abs(this.max[j]));
    }
    return largest;
  }
}
