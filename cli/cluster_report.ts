/** Each cluster of a run in words and numbers. */
import type { RowsInfo } from "../datasets/dataset.ts";
import type { Scaling } from "../datasets/scaling.ts";
import { ClusterColumns, exemplarsOf, lowestOf } from "../models/evaluation/explanation.ts";
import type { AnyDataset } from "./data_options.ts";
import type { RunRecord } from "./run_record.ts";
import type { RunRows } from "./run_rows.ts";

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

/** Most classes that are named. */
const CLASSES = 3;
/** Rows that are read from a file at a time. */
const BLOCK_ROWS = 4096;

/**
 * Every cluster of the run.
 * @param data The table that it was trained on; absent: nothing is said of columns.
 * @param count Most rows, and most columns, of each cluster.
 */
export async function reportOf(
  { names, labels, classes, values, codes, codeSize }: RunRows,
  { results }: RunRecord,
  data: AnyDataset | undefined,
  count: number,
): Promise<ClusterReport[]> {
  const { clusterSizes } = results!;
  const k = clusterSizes.length;
  const exemplars = exemplarsOf(codes, codeSize, labels, k, count);
  const doubtful = values && lowestOf(values, labels, k, count);
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
function columnNames({ schema: { columns = [] } }: RowsInfo): string[] {
  return columns.flatMap(({ name, categories }, j) => {
    const own = name ?? `column ${j}`;
    return categories === undefined ? [own] : categories.map((category) => `${own}=${category}`);
  });
}

/** A scaled value of a column in its own units. */
function rawOf(value: number, column: number, scaling: Scaling): number {
  switch (scaling.kind) {
    case "none":
      return value;
    case "divisor":
      return value * scaling.divisor;
    case "standard":
      return scaling.mean[column] + value * scaling.deviation[column];
  }
}
