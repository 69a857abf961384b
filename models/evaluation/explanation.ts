/** What sets a cluster apart: its typical rows, its doubtful ones, and the columns that differ. */
import { meansOf } from "./cluster_indices.ts";

/**
 * Of each cluster, the rows nearest to the mean of its codes, nearest first, ties to the lower number.
 * @param codes [n, p] row-major. @param labels [n], in [0, K). @param clusters K. @param count Most rows.
 * @returns [K] numbers of rows.
 */
export function exemplarsOf(
  codes: ArrayLike<number>,
  p: number,
  labels: Uint32Array,
  clusters: number,
  count: number,
): number[][] {
  const means = meansOf(codes, p, labels, new Uint32Array(clusters));
  const distances = Float64Array.from(labels, (label, i) => {
    let squared = 0;
    for (let j = 0; j < p; j++) squared += (codes[i * p + j] - means[label * p + j]) ** 2;
    return squared;
  });
  return lowestOf(distances, labels, clusters, count);
}

/**
 * Of each cluster, the rows with the lowest values, lowest first, ties to the lower number.
 * @param values [n]. @param labels [n], in [0, K). @param clusters K. @param count Most rows.
 * @returns [K] numbers of rows.
 */
export function lowestOf(
  values: ArrayLike<number>,
  labels: Uint32Array,
  clusters: number,
  count: number,
): number[][] {
  const rows = Array.from({ length: clusters }, (): number[] => []);
  labels.forEach((label, i) => rows[label].push(i));
  return rows.map((own) => own.sort((a, b) => values[a] - values[b] || a - b).slice(0, count));
}

/** How a column differs between a cluster and all other rows. */
export interface ColumnDifference {
  /** Its number. */
  readonly column: number;
  /** Its mean over the cluster. */
  readonly mean: number;
  /** Its mean over the other rows. */
  readonly others: number;
  /** (mean − others)/s, with s the column's standard deviation over all rows (1/n). */
  readonly difference: number;
}

/** Sums of columns by cluster, of rows that come block by block. */
export class ClusterColumns {
  private readonly sizes: Float64Array;
  /** [K, d], of values less those of the first row, so that few digits are lost far from 0. */
  private readonly sums: Float64Array;
  /** [d], of their squares. */
  private readonly squares: Float64Array;
  private origin: Float64Array | undefined;

  /** @param clusters K. @param d Columns. */
  constructor(private readonly clusters: number, private readonly d: number) {
    this.sizes = new Float64Array(clusters);
    this.sums = new Float64Array(clusters * d);
    this.squares = new Float64Array(d);
  }

  /** @param rows [m, d] row-major. @param labels [m], in [0, K). */
  add(rows: ArrayLike<number>, labels: ArrayLike<number>): void {
    const { d, sizes, sums, squares } = this;
    const origin = this.origin ??= Float64Array.from({ length: d }, (_, j) => rows[j]);
    for (let i = 0; i < labels.length; i++) {
      sizes[labels[i]]++;
      for (let j = 0; j < d; j++) {
        const value = rows[i * d + j] - origin[j];
        sums[labels[i] * d + j] += value;
        squares[j] += value ** 2;
      }
    }
  }

  /**
   * The columns that differ most, by the size of the difference, ties to the lower number; none where
   * a cluster has no rows or all of them. Constant columns are left out.
   * @param cluster In [0, K). @param count Most columns.
   */
  differences(cluster: number, count: number): ColumnDifference[] {
    const { d, clusters, sizes, sums, squares, origin } = this;
    const n = sizes.reduce((a, b) => a + b, 0);
    const own = sizes[cluster];
    if (own === 0 || own === n) return [];
    const found: ColumnDifference[] = [];
    for (let j = 0; j < d; j++) {
      let total = 0;
      for (let c = 0; c < clusters; c++) total += sums[c * d + j];
      const deviation = Math.sqrt(Math.max(squares[j] / n - (total / n) ** 2, 0));
      if (deviation === 0) continue;
      const [mean, others] = [
        sums[cluster * d + j] / own,
        (total - sums[cluster * d + j]) / (n - own),
      ];
      found.push({
        column: j,
        mean: origin![j] + mean,
        others: origin![j] + others,
        difference: (mean - others) / deviation,
      });
    }
    return found
      .sort((a, b) => Math.abs(b.difference) - Math.abs(a.difference) || a.column - b.column)
      .slice(0, count);
  }
}
