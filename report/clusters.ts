/** Each cluster of a run in words and numbers. */
import { placesOf } from "../datasets/columns.ts";
import type { Dataset, RowsInfo } from "../datasets/dataset.ts";
import type { StreamedDataset } from "../datasets/row_file.ts";
import type { Scaling } from "../datasets/scaling.ts";
import { ClusterColumns, exemplarsOf, lowestOf } from "../models/evaluation/explanation.ts";
import type { RunRows } from "./rows.ts";

/** A cluster. */
export interface ClusterReport {
  /** Its number. */
  readonly cluster: number;
  /** Its rows. */
  readonly size: number;
  /** Of all rows. */
  readonly share: number;
  /** Its most frequent classes, where classes are known. */
  readonly classes?: readonly { readonly name: string; readonly share: number }[];
  /** The rows nearest to the mean of its codes. */
  readonly exemplars: readonly string[];
  /** The rows whose label is least sure, where the run says how sure it is. */
  readonly leastSure?: readonly { readonly row: string; readonly value: number }[];
  /** The columns that differ most, of a table: means in raw units, and the standardised difference. */
  readonly columns?: readonly {
    readonly name: string;
    readonly mean: number;
    readonly others: number;
    readonly difference: number;
  }[];
}

/** Rows in memory, or in their file. */
type AnyDataset = Dataset | StreamedDataset;

/** Most classes that are named. */
const CLASSES = 3;
/** Rows that are read from a file at a time. */
const BLOCK_ROWS = 4096;

/**
 * Every cluster of the run.
 * @param clusterSizes [K]
 * @param data The table that it was trained on; absent: nothing is said of columns.
 * @param count Most rows, and most columns, of each cluster.
 */
export async function reportOf(
  rows: RunRows,
  clusterSizes: readonly number[],
  data: AnyDataset | undefined,
  count: number,
): Promise<ClusterReport[]> {
  const k = clusterSizes.length;
  const { exemplars, doubtful } = telling(rows, k, count);
  const { names, labels, classes, values } = rows;
  const columns = data && await columnsOf(data, labels, k);
  const titles = data && columnNames(data);
  return clusterSizes.map((size, cluster) => ({
    cluster,
    size,
    share: size / labels.length,
    ...classes && { classes: frequent(classes.filter((_, i) => labels[i] === cluster)) },
    exemplars: exemplars[cluster].map((row) => names[row]),
    ...values && doubtful && {
      leastSure: doubtful[cluster].map((row) => ({ row: names[row], value: values[row] })),
    },
    ...data && columns && titles && {
      columns: columns.differences(cluster, count).map(({ column, mean, others, difference }) => ({
        name: titles[column],
        mean: rawOf(mean, column, data.scaling),
        others: rawOf(others, column, data.scaling),
        difference,
      })),
    },
  }));
}

/** Of each cluster, the numbers of at most `count` rows. */
export function telling(
  { labels, values, codes, codeSize }: RunRows,
  clusters: number,
  count: number,
): {
  /** [K] nearest to the mean of the codes first. */
  readonly exemplars: readonly (readonly number[])[];
  /** [K] least sure first, where the run says how sure it is. */
  readonly doubtful?: readonly (readonly number[])[];
} {
  return {
    exemplars: exemplarsOf(codes, codeSize, labels, clusters, count),
    ...values && { doubtful: lowestOf(values, labels, clusters, count) },
  };
}

function frequent(classes: readonly string[]): { name: string; share: number }[] {
  return [...Map.groupBy(classes, (name) => name)]
    .map(([name, rows]) => ({ name, share: rows.length / classes.length }))
    .sort((a, b) => b.share - a.share)
    .slice(0, CLASSES);
}

async function columnsOf(
  { data, n, d }: AnyDataset,
  labels: Uint32Array,
  clusters: number,
): Promise<ClusterColumns> {
  const columns = new ClusterColumns(clusters, d);
  if (data instanceof Float32Array) {
    columns.add(data, labels);
    return columns;
  }
  for (let first = 0; first < n; first += BLOCK_ROWS) {
    const own = labels.subarray(first, first + BLOCK_ROWS);
    const block = new Float32Array(own.length * d);
    await data.read(first, block);
    columns.add(block, own);
  }
  return columns;
}

/** What the columns are called: `name`, `name=category`, or `column 3`. */
export function columnNames({ schema: { columns = [] } }: Pick<RowsInfo, "schema">): string[] {
  return placesOf(columns).map(({ name, number }) => name || `column ${number}`);
}

/** A scaled value of a column in its own units. */
export function rawOf(value: number, column: number, scaling: Scaling): number {
  switch (scaling.kind) {
    case "none":
      return value;
    case "divisor":
      return value * scaling.divisor;
    case "standard": {
      const raw = scaling.mean[column] + value * scaling.deviation[column];
      // Of a mean of 0, float32 leaves a trace.
      return Math.abs(raw) < 2 ** -20 * scaling.deviation[column] ? 0 : raw;
    }
  }
}
