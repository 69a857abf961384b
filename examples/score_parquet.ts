/**
 * Clusters of the rows of Parquet files that need not fit in memory: DuckDB reads and writes, ONNX Runtime
 * computes what `export --format onnx` wrote. Runs on Deno, and on Node from 22.18 on.
 *
 * usage: score_parquet.ts MODEL.onnx QUERY OUT.parquet
 *   QUERY gives a name for each row and then the model's columns, in its order:
 *   "SELECT id, width, height FROM 'rows/*.parquet'"; OUT.parquet gets the columns id and label, and
 *   confidence where the model has probabilities: the largest of them.
 */
import process from "node:process";
import { DuckDBInstance, FLOAT, INTEGER } from "@duckdb/node-api";
import { InferenceSession, Tensor } from "onnxruntime-node";

const [model, query, out] = process.argv.slice(2);
if (out === undefined) throw new Error("usage: score_parquet.ts MODEL.onnx QUERY OUT.parquet");

const session = await InferenceSession.create(model);
const hasProbabilities = session.outputNames.includes("probabilities");
const instance = await DuckDBInstance.create(":memory:");
const reading = await instance.connect();
const writing = await instance.connect();

const rows = await reading.stream(query);
const d = rows.columnCount - 1;
const [id] = rows.columnTypes();
await writing.run(`CREATE TABLE scored (id ${id}, label INTEGER, confidence FLOAT)`);
const appender = await writing.createAppender("scored");
for (let chunk = await rows.fetchChunk(); chunk?.rowCount; chunk = await rows.fetchChunk()) {
  const [ids, ...columns] = chunk.getColumns();
  const n = chunk.rowCount;
  const values = new Float32Array(n * d);
  columns.forEach((column, j) => column.forEach((value, i) => values[i * d + j] = Number(value)));
  const { label, probabilities } = await session.run({
    rows: new Tensor("float32", values, [n, d]),
  });
  const k = hasProbabilities ? probabilities.dims[1] : 0;
  for (let i = 0; i < n; i++) {
    appender.appendValue(ids[i], id);
    appender.appendValue(Number((label.data as BigInt64Array)[i]), INTEGER);
    if (k === 0) appender.appendNull();
    else {
      const own = (probabilities.data as Float32Array).subarray(i * k, (i + 1) * k);
      appender.appendValue(Math.max(...own), FLOAT);
    }
    appender.endRow();
  }
}
appender.closeSync();
const columns = hasProbabilities ? "*" : "id, label";
await writing.run(`COPY (SELECT ${columns} FROM scored) TO '${out}' (FORMAT parquet)`);
