/** Rows of a table: gathered into a batch, scattered back by number. */
import { gather as gatherKernel } from "../../kernels/gather.ts";
import { scatterRows as scatterRowsKernel } from "../../kernels/scatter_rows.ts";
import { apply, expectRank, expectShape, type None } from "../tensor/op.ts";
import type { Table } from "../state/table.ts";
import type { Tensor, Variable } from "../tensor/tensor.ts";
import type { RegisteredOp } from "./registered.ts";

/** What is gathered. */
export interface GatherAttributes {
  /** First row of each chunk. */
  readonly first: readonly number[];
}

/** y[i] = x[rows[i]], with x in one or more chunks (the inputs after `rows`). */
export const gatherOp: RegisteredOp<GatherAttributes> = {
  name: "gather",
  memory: "value",
  infer([rows, ...chunks]) {
    expectRank("gather", "rows", rows, 1);
    chunks.forEach((chunk) => expectRank("gather", "a chunk", chunk, 2));
    return [{ shape: [rows.shape[0], chunks[0].shape[1]], dtype: chunks[0].dtype }];
  },
  lower({ inputs: [rows, ...chunks], outputs: [y], attributes: { first } }, emit) {
    chunks.forEach((chunk, i) => {
      const [chunkRows, w] = chunk.shape;
      const params = { n: rows.size, w, first: first[i], chunkRows };
      emit.call(gatherKernel, {}, params, [chunk, rows, y]);
    });
  },
  gradient: { none: "rows are gathered from data, not from parameters" },
  examples: [],
};

/** Rows of a resident table by number: rows u32 [n] -> [n, table.width]. */
export function gather(table: Table, rows: Tensor): Tensor {
  const first = table.chunks.map((chunk) => chunk.first);
  return apply(gatherOp, [rows, ...table.chunks.map((chunk) => chunk.rows)], { first })[0];
}

/** y[rows[i]] = x[i]: writes into a variable; row numbers past its end are skipped. */
export const scatterRowsOp: RegisteredOp<None> = {
  name: "scatterRows",
  memory: "update",
  infer([y, rows, x]) {
    expectShape("scatterRows", "x", x, [rows.shape[0], ...y.shape.slice(1)]);
    if (x.dtype !== y.dtype) throw new TypeError(`scatterRows: x is ${x}, the variable ${y}`);
    return [];
  },
  lower({ inputs: [y, rows, x] }, emit) {
    const total = y.shape[0];
    const w = total === 0 ? 0 : y.size / total;
    emit.call(scatterRowsKernel, {}, { n: rows.size, w, total }, [x, rows, y]);
  },
  gradient: { none: "it is an assignment" },
  updates: () => [0],
  examples: [],
};

/**
 * Assigns rows of a variable by number: x [n, …], rows u32 [n], variable [total, …]. Two equal row
 * numbers in one call must bring equal values.
 */
export function scatterRows(variable: Variable, rows: Tensor, x: Tensor): void {
  apply(scatterRowsOp, [variable, rows, x], {});
}
