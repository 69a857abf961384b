/** The programs of examples/, as a person starts them. */
import { fileURLToPath } from "node:url";
import { assertEquals } from "@std/assert";
import { parquetReadObjects } from "hyparquet";
import { decodeRows } from "../datasets/decode.ts";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { RandomStream } from "../engine/random.ts";
import { encodeOnnx } from "../export/onnx/model.ts";
import { encodeParquet } from "../export/tables.ts";
import { GaussianMixture } from "../models/gmm.ts";

const EXAMPLES = fileURLToPath(new URL("../examples/", import.meta.url));

Deno.test("DuckDB and ONNX Runtime label the rows of Parquet files as predict does", async () => {
  // More than DuckDB hands over at once, in two files.
  const [n, d] = [5000, 3];
  const random = new RandomStream(3, 1);
  const data = Float32Array.from(
    { length: n * d },
    (_, i) => random.uniform() + 2 * Number(Math.floor(i / d) % d === i % d),
  );
  const folder = await Deno.makeTempDir();
  const backend = await openCpuBackend({ threads: 1 });
  const model = new GaussianMixture({ clusters: 3, nInit: 1, covariance: "diag" });
  try {
    const labels = await model.fitPredict({ data, n, d }, { backend });
    await Deno.writeFile(`${folder}/model.onnx`, await encodeOnnx(model, "clusters"));
    for (const [file, first, count] of [["a", 0, 3000], ["b", 3000, 2000]] as const) {
      const columns = ["x", "y", "z"].map((name, j) => ({
        name,
        values: Float32Array.from({ length: count }, (_, i) => data[(first + i) * d + j]),
      }));
      const id = {
        name: "id",
        values: Array.from({ length: count }, (_, i) => `row ${first + i}`),
      };
      const bytes = await encodeParquet([...columns, id]);
      await Deno.writeFile(`${folder}/rows-${file}.parquet`, bytes);
    }
    const query = `SELECT id, x, y, z FROM '${folder}/rows-*.parquet'`;
    const out = `${folder}/labels.parquet`;
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", `${EXAMPLES}score_parquet.ts`, `${folder}/model.onnx`, query, out],
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    const bytes = await Deno.readFile(out);
    const scored = await parquetReadObjects({ file: bytes.buffer });
    const found = new Map(scored.map(({ id, label }) => [id, label]));
    assertEquals(Array.from({ length: n }, (_, i) => found.get(`row ${i}`)), Array.from(labels));
    assertEquals(scored.every(({ confidence }) => confidence > 1 / 3 && confidence <= 1), true);
    const { array } = await decodeRows(bytes, out, { idColumn: "id" });
    assertEquals(
      Array.from(array.values),
      scored.flatMap(({ label, confidence }) => [label, confidence]),
    );
  } finally {
    await model.dispose();
    await backend.dispose();
    await Deno.remove(folder, { recursive: true });
  }
});
