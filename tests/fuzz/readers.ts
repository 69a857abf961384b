/** Every reader of files: valid files of it, damaged ones, and what must hold of what it accepts. */
import { assert, assertEquals } from "@std/assert";
import { parseRecord, type RunRecord } from "../../cli/run_record.ts";
import { type Plan, SCHEMA as PLAN_SCHEMA } from "../../cli/experiment.ts";
import { parsePlan } from "../../cli/plan_file.ts";
import { summarize } from "../../cli/summary.ts";
import { toCsv, toLatex, toMarkdown } from "../../cli/summary_tables.ts";
import { formatResults } from "../../cli/tables.ts";
import { elementsOf } from "../../datasets/array.ts";
import { makeDataset } from "../../datasets/dataset.ts";
import { gunzip, gzip } from "../../datasets/gzip.ts";
import { encodeIdx } from "../../datasets/idx.ts";
import { decodeRows } from "../../datasets/decode.ts";
import { encodeNpy } from "../../datasets/npy.ts";
import { openCpuBackend } from "../../engine/cpu/backend.ts";
import type { Checkpoint, Json } from "../../models/estimator.ts";
import { KMeans } from "../../models/kmeans_estimator.ts";
import { decodeCheckpoint, encodeCheckpoint, recordOf } from "../../storage/checkpoint.ts";
import { type Manifest, SCHEMA } from "../../storage/manifest.ts";
import { decodeModel } from "../../storage/model.ts";
import { encodeSafetensors, type TensorData } from "../../storage/safetensors.ts";
import { joined, zipOf } from "../archives.ts";
import { imageFolder, png } from "./images.ts";
import { type Dice, mutate, mutateJson, mutateText } from "./mutations.ts";
import { parquet } from "./parquet.ts";
import { FILE, type Found, type Reader } from "./reader.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const floats = Float32Array.from(
  { length: 24 },
  (_, i) => Math.fround(Math.sin(i) * 10 ** (i % 5)),
);

const NPY: readonly Uint8Array[] = [
  encodeNpy(floats, [6, 4]),
  encodeNpy(floats, [3, 2, 4]),
  encodeNpy(Uint32Array.from(floats, (x) => Math.abs(x)), [12, 2]),
  npyOf("<f8", "True", "(4, 3)", new Uint8Array(new Float64Array(floats.subarray(0, 12)).buffer)),
  npyOf("<i8", "False", "(2, 3)", new Uint8Array(new BigInt64Array(6).buffer)),
  npyOf(">i2", "False", "(2, 4)", new Uint8Array(16)),
  npyOf("|u1", "False", "(2, 2, 2)", Uint8Array.from({ length: 8 }, (_, i) => 31 * i)),
  npyOf("<f2", "False", "(3, 2)", new Uint8Array(Float16Array.of(1, 2, 3, -4, 5, 0.5).buffer)),
];

/** An NPY file of any header. */
function npyOf(descr: string, fortran: string, shape: string, data: Uint8Array): Uint8Array {
  const text = `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`;
  const bytes = encode(`\x93NUMPY\x01\0\0\0${text.padEnd(117)}\n`).subarray(1);
  bytes[0] = 0x93;
  new DataView(bytes.buffer, bytes.byteOffset).setUint16(8, 118, true);
  return joined([bytes, data]);
}

const IDX: readonly Uint8Array[] = [
  encodeIdx(floats, [6, 4]),
  encodeIdx(Uint8Array.from({ length: 24 }, (_, i) => 10 * i), [2, 3, 4]),
  joined([Uint8Array.of(0, 0, 0x0e, 2, 0, 0, 0, 2, 0, 0, 0, 1), new Uint8Array(16)]),
  joined([Uint8Array.of(0, 0, 0x0b, 2, 0, 0, 0, 2, 0, 0, 0, 2), new Uint8Array(8).fill(7)]),
];

const CSV: readonly string[] = [
  "a,b,c\n1,2,3\n4.5,-6e3,7\n",
  "1;2\r\n3;4\r\n5;6\r\n",
  '"x","y"\n"1","2"\n"3.25","4"\n',
  "# made by hand\n1 2 3\n4 5 6\n\n7 8 9\n",
  "p\tq\n.5\t5.\n1e-3\t+2\n",
  "0,1,2\n1,2,3\n4,5,6\n",
];

async function rowsOf(bytes: Uint8Array, name: string): Promise<Found | undefined> {
  const { array } = await decodeRows(bytes, FILE);
  assertEquals(array.values.length, elementsOf(array.shape));
  const { data, n, d } = await makeDataset(array, { name: FILE });
  assertEquals(data.length, n * d);
  assert(data.every(Number.isFinite));
  // What is left of a damaged file may be text.
  const isMeant = (array.type === "text") === (name === "csv");
  return isMeant ? { shape: array.shape, values: array.values } : undefined;
}

/** A reader of rows whose damaged files are made by `make`. */
function rows(name: string, make: Reader["make"]): Reader {
  return { name, peer: ["numpy"], make, read: (bytes) => rowsOf(bytes, name) };
}

async function npzOf(dice: Dice): Promise<Uint8Array> {
  const isInner = dice.chance(0.5);
  const inner = dice.of(NPY);
  const entries = [["x.npy", isInner ? mutate(dice, inner, NPY) : inner]] as [string, Uint8Array][];
  if (dice.chance(0.3)) entries.push(["y.npy", encodeNpy(floats, [24])]);
  const whole = await zipOf(entries, dice.chance(0.5));
  return isInner ? whole : mutate(dice, whole);
}

const backend = await openCpuBackend({ threads: 1 });
const dataset = await makeDataset(
  { shape: [6, 4], values: floats, type: "<f4" },
  { name: "rows", scale: "standard" },
);

async function trained(): Promise<{ checkpoint: Checkpoint; manifest: Manifest }> {
  const model = new KMeans({ clusters: 2, nInit: 1 });
  let host: Checkpoint["host"] = {};
  await model.fit(dataset, { backend, save: (one) => Promise.resolve(void (host = one.host)) });
  const { variables } = await model.checkpoint();
  const options = { ...model.options } as Manifest["configuration"]["options"];
  const configuration = { model: "kmeans", profile: "default", options };
  await model.dispose();
  return { checkpoint: { variables, host }, manifest: { configuration, data: recordOf(dataset) } };
}

const MODEL = await trained();
const MODEL_BYTES = await encodeCheckpoint(MODEL);
const MODEL_DIGEST = (await decodeCheckpoint(MODEL_BYTES, FILE)).digest;

/** Damage that knows no digest, or metadata and tensors of a writer that does. */
async function damagedModel(dice: Dice): Promise<Uint8Array> {
  if (dice.chance(0.5)) return mutate(dice, MODEL_BYTES);
  const { checkpoint, manifest } = MODEL;
  const variables = new Map(checkpoint.variables);
  if (dice.chance(0.5)) {
    const name = dice.of([...variables.keys()]);
    const { shape, data } = variables.get(name)!;
    const bytes = mutate(dice, new Uint8Array(data.slice().buffer));
    const whole = new Float32Array(bytes.slice(0, 4 * Math.floor(bytes.length / 4)).buffer);
    variables.set(name, {
      shape: dice.chance(0.5) ? [whole.length] : shape,
      data: whole,
    });
    if (dice.chance(0.2)) variables.delete(name);
  }
  try {
    return await encodeCheckpoint({
      checkpoint: {
        variables,
        host: (dice.chance(0.5) ? mutateJson(dice, checkpoint.host) : checkpoint.host) as Record<
          string,
          Json
        >,
      },
      manifest: (dice.chance(0.7) ? mutateJson(dice, manifest) : manifest) as Manifest,
    });
  } catch (error) {
    // What the writer refuses is a file too: without a digest.
    assert(error instanceof RangeError, `${error}`);
    return encodeSafetensors(
      new Map([["x", { shape: [1], data: Float32Array.of(NaN) as TensorData }]]),
      { schema: String(SCHEMA), manifest: JSON.stringify(manifest), host: "{}" },
    );
  }
}

async function readModel(bytes: Uint8Array): Promise<undefined> {
  const model = await decodeModel(bytes, { backend, file: FILE });
  try {
    // A digest that is right by chance does not happen.
    if ((await decodeCheckpoint(bytes, FILE)).digest === MODEL_DIGEST) {
      assertEquals(bytes, MODEL_BYTES);
    }
  } finally {
    await model.dispose();
  }
}

const { data: _, notes: __, licence: ___, ...rowsInfo } = dataset;
const DONE = { acc: 0.5, nmi: 0.25, ari: 0.125 };
const RECORD: RunRecord = {
  schema: SCHEMA,
  status: "finished",
  configuration: MODEL.manifest.configuration,
  seed: 0,
  data: {
    ...recordOf(rowsInfo as typeof dataset),
    request: { data: "/rows.npy", scale: "standard" },
  },
  device: { requested: "cpu", threads: 1, used: backend.info },
  versions: { dynae: "0.1.0" },
  seconds: 1.5,
  stopReason: "the centres stopped moving",
  steps: 3,
  results: {
    ...DONE,
    clusterSizes: [2, 4],
    diagnostics: {
      ...{ emptyClusters: 0, effectiveClusters: 2, largestShare: 0.7, codeDeviation: 1 },
      ...{ nonFinite: 0, distinctCodes: 6, silhouette: 0.5, comparedRows: 6, startAgreement: null },
      ...{ inertia: 1, calinskiHarabasz: 8, daviesBouldin: 0.5, normalizedCut: null },
    },
    warnings: ["something"],
    partitions: { "k-means on the data": DONE },
  },
};

const PLAN: Plan = {
  schema: PLAN_SCHEMA,
  command: "compare",
  request: { data: "/rows.npy", models: "kmeans,gmm", seeds: 2 },
  headings: ["model", "profile"],
  settings: ["kmeans", "gmm"].map((model) => ({
    name: model,
    cells: [model, "default"],
    model,
    profile: "default",
    options: { clusters: 2 },
    pretraining: "none" as const,
    set: 0,
  })),
  runs: [0, 1].flatMap((seed) =>
    ["kmeans", "gmm"].map((model, setting) => ({ name: `${model}-seed${seed}`, setting, seed }))
  ),
  data: [{
    ...{ name: "rows", digest: "0".repeat(64), n: 6, d: 4, source: "rows.npy" },
    request: { data: "/rows.npy" },
  }],
  device: { device: "cpu", threads: 1 },
};

/** JSON that is changed as text, or as what it stands for. */
function damagedJson(dice: Dice, value: unknown): Uint8Array {
  const text = JSON.stringify(value, null, 2);
  if (dice.chance(0.7)) return encode(JSON.stringify(mutateJson(dice, value)) ?? "");
  return dice.chance(0.5) ? encode(mutateText(dice, text)) : mutate(dice, encode(text));
}

/** Every table must bear what the readers let through. */
function tabulate(plan: Plan, record: RunRecord): void {
  const states = plan.runs.map((_, i) =>
    i === 0 && record.status === "finished"
      ? { status: "finished" as const, reason: "", record }
      : { status: "not started" as const, reason: "" }
  );
  const summary = summarize(plan, states);
  for (const format of [toMarkdown, toCsv, toLatex]) assert(format(summary).length > 0);
}

const decodeText = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** All of them. */
export const READERS: readonly Reader[] = [
  rows("csv", (dice) => {
    const text = dice.of(CSV);
    return dice.chance(0.7)
      ? encode(mutateText(dice, text))
      : mutate(dice, encode(text), CSV.map(encode));
  }),
  rows("npy", (dice) => mutate(dice, dice.of(NPY), NPY)),
  rows("npz", npzOf),
  rows("idx", (dice) => mutate(dice, dice.of(IDX), IDX)),
  {
    name: "gzip",
    peer: ["numpy"],
    async make(dice) {
      const inner = dice.of([...NPY, ...IDX, ...CSV.map(encode)]);
      if (dice.chance(0.5)) return await gzip(mutate(dice, inner));
      return mutate(dice, await gzip(inner));
    },
    async read(bytes) {
      const values = await gunzip(bytes, FILE);
      return { shape: [values.length], values };
    },
  },
  parquet,
  png,
  imageFolder,
  { name: "checkpoint", make: damagedModel, read: readModel },
  {
    name: "run.json",
    make: (dice) => damagedJson(dice, RECORD),
    read(bytes) {
      const record = parseRecord(decodeText(bytes), FILE);
      formatResults(record);
      tabulate(PLAN, record);
      return Promise.resolve(undefined);
    },
  },
  {
    name: "plan.json",
    make: (dice) => damagedJson(dice, PLAN),
    read(bytes) {
      tabulate(parsePlan(decodeText(bytes), FILE), RECORD);
      return Promise.resolve(undefined);
    },
  },
];
