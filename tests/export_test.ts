/** `export`, and what other programs make of its files. */
import { fileURLToPath } from "node:url";
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { parquetReadObjects } from "hyparquet";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { loadDataset } from "../datasets/load.ts";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { metricsTable } from "../export/metrics.ts";
import { encodeCsv, encodeParquet } from "../export/tables.ts";
import { encodeEvents } from "../export/tensorboard.ts";
import type { LogRow } from "../models/estimator.ts";
import { loadModel } from "../storage/files.ts";
import { inFolder, run } from "./command_line.ts";

const READER = fileURLToPath(new URL("foreign/read.py", import.meta.url));

/** What Python reads in a file. */
async function readByPython(kind: "safetensors" | "events", file: string) {
  const { success, stdout, stderr } = await new Deno.Command("python3", {
    args: [READER, kind, file],
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Runs a command that must succeed; returns what it printed. */
async function succeed(folder: string, ...args: string[]): Promise<string> {
  const { code, out, err } = await run(args, folder);
  assertEquals(code, 0, err);
  return out;
}

Deno.test("a run's model and log leave for ONNX Runtime, Python and TensorBoard", () =>
  inFolder(async (folder) => {
    const train = "train --data blobs.csv --class-column last --clusters 3 --model idec " +
      "--scale standard --hidden 8 --latent 2 --pretrain-steps 60 --steps 20 --check-interval 10 --threads 1 --device cpu --out run";
    await succeed(folder, ...train.split(" "));
    const device = ["--threads", "1", "--device", "cpu"];

    const printed = await succeed(folder, "export", "run", "--format", "onnx", ...device);
    assertEquals(printed, "run/clusters.onnx\n");
    const session = await InferenceSession.create(`${folder}/run/clusters.onnx`);
    const { data, n, d } = await loadDataset(`${folder}/rows.csv`);
    const { label } = await session.run({ rows: new Tensor("float32", data, [n, d]) });
    await session.release();
    const csv = await succeed(folder, "predict", "--run", "run", "--data", "rows.csv", ...device);
    const predicted = csv.trim().split("\n").slice(1).map((line) => Number(line.split(",")[1]));
    assertEquals(Array.from(label.data as BigInt64Array, Number), predicted);
    assertEquals(new Set(predicted).size, 3);

    const predict = ["predict", "--run", "run", "--data", "rows.csv", "--probabilities", ...device];
    await succeed(folder, ...predict, "-o", "rows.parquet");
    const { buffer } = await Deno.readFile(`${folder}/rows.parquet`);
    const table = await parquetReadObjects({ file: buffer as ArrayBuffer });
    assertEquals(table.map((row) => Number(row.label)), predicted);
    assertEquals(table.map((row) => Number(row.row)), predicted.map((_, i) => i));
    for (const { label, confidence, p0, p1, p2 } of table) {
      assertEquals(confidence, [p0, p1, p2][Number(label)]);
      assertAlmostEquals(p0 + p1 + p2, 1, 1e-6);
    }

    await succeed(folder, "export", "run", "--format", "safetensors", ...device);
    const read = await readByPython("safetensors", `${folder}/run/model.safetensors`);
    assertEquals(read.centroids.shape, [3, 2]);
    const backend = await openCpuBackend({ threads: 1 });
    const model = await loadModel(`${folder}/run/model.safetensors`, { backend });
    const { variables } = await model.checkpoint();
    await model.dispose();
    await backend.dispose();
    assertEquals(Object.keys(read).sort(), [...variables.keys()].sort());
    for (const [name, { shape, data }] of variables) {
      assertEquals(read[name].shape, [...shape], name);
      assertAlmostEquals(read[name].sum, Array.from(data).reduce((a, b) => a + b, 0), 1e-9, name);
    }
    await readByPython("safetensors", `${folder}/run/checkpoint.safetensors`);

    const log = await Deno.readTextFile(`${folder}/run/metrics.jsonl`);
    const rows: LogRow[] = log.trim().split("\n").map((line) => JSON.parse(line));
    assertEquals(await succeed(folder, "export", "run", "--format", "jsonl"), "run/log.jsonl\n");
    await succeed(folder, "export", "run", "--format", "jsonl", "-o", "copy.jsonl");
    assertEquals(await Deno.readTextFile(`${folder}/copy.jsonl`), log);
    await succeed(folder, "export", "run", "--format", "csv");
    const shown = await succeed(folder, "export", "run", "--format", "csv", "-o", "-");
    assert(shown.startsWith("phase,step"), shown.slice(0, 40));
    assert(shown.trim().split("\n").length > 1);
    const nowhere = ["export", "run", "--format", "csv", "-o", "nowhere/log.csv"];
    const refused = await run(nowhere, folder);
    assertEquals(refused.code, 2);
    assertStringIncludes(refused.err, "there is no folder nowhere");
    const [header, ...lines] = (await Deno.readTextFile(`${folder}/run/metrics.csv`)).trim()
      .split("\n");
    assertStringIncludes(header, "phase,step");
    assertEquals(lines.length, rows.length);
    await succeed(folder, "export", "run", "--format", "tensorboard");
    const events = await readByPython("events", `${folder}/run/events.out.tfevents.dynae`);
    assertEquals(events[0].version, "brain.Event:2");
    const { phase, step, ...values } = rows.at(-1)!;
    const scalars = Object.entries(values).filter(([, value]) => typeof value === "number");
    const named = scalars.map((
      [name, value],
    ) => [`${phase}/${name}`, Math.fround(value as number)]);
    assertEquals(events.at(-1), { wallTime: 0, step, scalars: Object.fromEntries(named) });
  }));

Deno.test("what cannot be exported is said", () =>
  inFolder(async (folder) => {
    const train =
      "train --data rows.csv --clusters 3 --model kmeans --threads 1 --device cpu --out run";
    await succeed(folder, ...train.split(" "));
    const refuse = async (...args: string[]) => {
      const { code, err } = await run(["export", ...args], folder);
      assert(code !== 0);
      return err;
    };
    const part = ["--format", "onnx", "--part", "encoder", "--device", "cpu"];
    assertStringIncludes(await refuse("run", ...part), "kmeans clusters rows as they are");
    assertStringIncludes(
      await refuse("run", "--format", "csv", "--part", "encoder"),
      "--part is for --format onnx, not for csv",
    );
    assertStringIncludes(await refuse("run", "--format", "hdf5"), "onnx, safetensors, jsonl");
    assertStringIncludes(await refuse("nowhere", "--format", "csv"), "is not the folder of a run");
  }));

Deno.test("events of rows: steps, numbers and truths, nothing else", async () => {
  const file = await Deno.makeTempFile();
  try {
    const rows = [
      { phase: "a", step: 300, loss: 0.1, done: true, note: "text", none: null },
      { phase: "b", step: 0, sizes: [1, 2] },
      { phase: "b", step: 2 ** 33, loss: -1e30 },
    ];
    await Deno.writeFile(file, encodeEvents(rows));
    assertEquals(await readByPython("events", file), [
      { wallTime: 0, step: 0, version: "brain.Event:2", scalars: {} },
      { wallTime: 0, step: 300, scalars: { "a/loss": Math.fround(0.1), "a/done": 1 } },
      { wallTime: 0, step: 2 ** 33, scalars: { "b/loss": Math.fround(-1e30) } },
    ]);
  } finally {
    await Deno.remove(file);
  }
});

const COLUMNS = [
  { name: "row", values: Uint32Array.of(0, 7, 4294967295) },
  { name: "p0", values: Float32Array.of(0.1, 1, 0) },
  { name: "name, quoted", values: ['a "b"', undefined, "c,d"] },
  { name: "loss", values: [0.25, undefined, 3] },
];

Deno.test("a table as CSV", () => {
  assertEquals(
    encodeCsv(COLUMNS),
    'row,p0,"name, quoted",loss\n0,0.100000001,"a ""b""",0.25\n7,1,,\n4294967295,0,"c,d",3\n',
  );
});

Deno.test("a table as Parquet", async () => {
  const { buffer } = await encodeParquet(COLUMNS);
  assertEquals(await parquetReadObjects({ file: buffer as ArrayBuffer }), [
    { row: 0n, p0: Math.fround(0.1), "name, quoted": 'a "b"', loss: 0.25 },
    { row: 7n, p0: 1, "name, quoted": null, loss: null },
    { row: 4294967295n, p0: 0, "name, quoted": "c,d", loss: 3 },
  ]);
});

Deno.test("a log as Parquet: true and false stay, values of several kinds are texts", async () => {
  const { buffer } = await encodeParquet(metricsTable([
    { phase: "start", step: 0, settled: true, cut: 0.5, centers: [1, 2] },
    { phase: "clustering", step: 1, settled: false, cut: "none", loss: null },
    { phase: "clustering", step: 2, cut: true, centers: 3 },
  ]));
  const rest = { loss: null };
  assertEquals(await parquetReadObjects({ file: buffer as ArrayBuffer }), [
    { phase: "start", step: 0, settled: true, cut: "0.5", centers: "[1,2]", ...rest },
    { phase: "clustering", step: 1, settled: false, cut: "none", centers: null, ...rest },
    { phase: "clustering", step: 2, settled: null, cut: "true", centers: "3", ...rest },
  ]);
});
