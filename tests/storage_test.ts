/** Models of every method, saved and loaded: here, in another process, and as bytes without files. */
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { makeDataset } from "../datasets/dataset.ts";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { RandomStream } from "../engine/random.ts";
import type { Estimator, FitResult } from "../models/estimator.ts";
import { KMeans } from "../models/kmeans_estimator.ts";
import type { OptionValues } from "../models/options.ts";
import { METHODS } from "../models/registry.ts";
import { encodeCheckpoint } from "../storage/checkpoint.ts";
import { loadModel, readCheckpoint, saveModel } from "../storage/files.ts";
import { decodeModel, encodeModel } from "../storage/model.ts";

const [N, HEIGHT, WIDTH] = [40, 6, 6];
const random = new RandomStream(5, 1);
const SAMPLES = {
  data: Float32Array.from({ length: N * HEIGHT * WIDTH }, (_, i) => {
    const row = Math.floor(i / (HEIGHT * WIDTH));
    return (Math.floor((i % 36) / 12) === row % 3 ? 0.7 : 0) + random.uniform(0, 0.3);
  }),
  n: N,
  d: HEIGHT * WIDTH,
  height: HEIGHT,
  width: WIDTH,
};

/** A fit of some steps; each method takes what it knows. */
const TINY: OptionValues = {
  clusters: 3,
  hidden: [12],
  latent: 2,
  batchSize: 16,
  channels: 3,
  pretrainSteps: 9,
  constructionSteps: 5,
  labelSteps: 5,
  moduleSteps: 5,
  steps: 9,
  nInit: 2,
};

/** Fits a model of each method, and hands it over. */
async function withEach(
  use: (name: string, model: Estimator, result: FitResult) => Promise<void>,
): Promise<void> {
  const backend = await openCpuBackend({ threads: 1 });
  for (const [name, { options, create }] of Object.entries(METHODS)) {
    const known = options.filter((option) => option.name in TINY);
    const model = create(
      Object.fromEntries(known.map((option) => [option.name, TINY[option.name]])),
    );
    await use(name, model, await model.fit(SAMPLES, { backend }));
    await model.dispose();
  }
  await backend.dispose();
}

Deno.test("of every method, a checkpoint from before there were clusters predicts nothing", async () => {
  const backend = await openCpuBackend({ threads: 1 });
  for (const [name, { options, create }] of Object.entries(METHODS)) {
    const known = options.filter((option) => option.name in TINY);
    const given = Object.fromEntries(known.map((option) => [option.name, TINY[option.name]]));
    const saved: Uint8Array[] = [];
    const model = create(given);
    const own = new Map(Object.entries(model.options));
    const configuration = {
      model: name,
      options: Object.fromEntries(options.map(({ name }) => [name, own.get(name)!])),
    };
    const controller = new AbortController();
    // Interrupted at the first that is heard of it, and at the first steps.
    const interrupted = { signal: controller.signal, onEvent: () => controller.abort() };
    for (const context of [interrupted, { saveSteps: 2 }]) {
      await model.fit(SAMPLES, {
        backend,
        ...context,
        save: async (checkpoint) => {
          const manifest = { configuration };
          saved.push(await encodeCheckpoint({ checkpoint, manifest }));
        },
      }).catch((error) => assertEquals(error.name, "InterruptedError"));
    }
    await model.dispose();
    let refused = 0;
    for (const bytes of saved) {
      try {
        const loaded = await decodeModel(bytes, { backend, file: "a checkpoint" });
        const labels = await loaded.predict(SAMPLES);
        assert(new Set(labels).size > 1, `${name}: all rows in one cluster`);
        await loaded.dispose();
      } catch (error) {
        assert(error instanceof RangeError, `${name}: ${error}`);
        assertMatch(
          error.message,
          /^Cannot read a checkpoint: .*(before there were clusters|holds no )/,
        );
        refused++;
      }
    }
    // CM's module has its clusters from the start.
    assert(refused > 0 || name === "cm", `${name}: ${saved.length} checkpoints, none refused`);
  }
  await backend.dispose();
});

/** What a process that knows the folder alone predicts, by method. */
const READER = `
import { openDevice } from "${new URL("../mod.ts", import.meta.url)}";
import { loadModel } from "${new URL("../storage/mod.ts", import.meta.url)}";
const [folder, n, d] = Deno.args;
const data = new Float32Array((await Deno.readFile(folder + "/samples")).buffer);
const samples = { data, n: Number(n), d: Number(d) };
const backend = await openDevice({ device: "cpu" });
const found = {};
for await (const { name } of Deno.readDir(folder)) {
  if (!name.endsWith(".safetensors")) continue;
  const model = await loadModel(folder + "/" + name, { backend });
  found[model.name] = {
    labels: [...await model.predict(samples)],
    codes: [...new Uint32Array((await model.transform(samples)).buffer)],
  };
  await model.dispose();
}
await backend.dispose();
console.log(JSON.stringify(found));
`;

Deno.test("a model of every method, loaded in another process, predicts the same bytes", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeFile(`${folder}/samples`, new Uint8Array(SAMPLES.data.buffer));
    await Deno.writeTextFile(`${folder}/reader.ts`, READER);
    const expected: Record<string, unknown> = {};
    await withEach(async (name, model, { labels, embedding }) => {
      await saveModel(`${folder}/${name}.safetensors`, model);
      expected[name] = { labels: [...labels], codes: [...new Uint32Array(embedding.buffer)] };
    });
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...[
          "run",
          "--no-check",
          "--no-prompt",
          "--allow-read",
          `--config=${fileURLToPath(new URL("../deno.json", import.meta.url))}`,
        ],
        ...[`${folder}/reader.ts`, folder, String(SAMPLES.n), String(SAMPLES.d)],
      ],
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    assertEquals(JSON.parse(new TextDecoder().decode(stdout)), expected);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("as bytes: options come back, and a loaded model is saved as it was", async () => {
  const backend = await openCpuBackend({ threads: 1 });
  await withEach(async (name, model, { labels, embedding }) => {
    const bytes = await encodeModel(model);
    const loaded = await decodeModel(bytes, { backend });
    assertEquals(loaded.name, name);
    assertEquals(loaded.options, model.options);
    assertEquals(await loaded.predict(SAMPLES), labels);
    assertEquals(await loaded.transform(SAMPLES), embedding);
    assertEquals(await encodeModel(loaded), bytes);
    await loaded.dispose();
  });
  assertEquals(backend.memory().bytes, 0);
  await backend.dispose();
});

Deno.test("the file names the data; what is no model is refused in words", async () => {
  const folder = await Deno.makeTempDir();
  const backend = await openCpuBackend({ threads: 1 });
  try {
    const path = `${folder}/kmeans.safetensors`;
    const values = Float64Array.of(0, 0, 10, 20, 20, 10, 5, 5);
    const rows = await makeDataset(
      { shape: [4, 2], values, type: "<f8" },
      { name: "rows", scale: "standard" },
    );
    const model = new KMeans({ clusters: 2 });
    await assertRejects(() => saveModel(path, model), TypeError, "not fitted yet");
    await model.fit(rows, { backend });
    await saveModel(path, model, rows);
    const { manifest } = await readCheckpoint(path);
    assertEquals(manifest.configuration.model, "kmeans");
    assertEquals(manifest.data?.scaling, rows.scaling);
    assert(manifest.data && !("data" in manifest.data));
    await model.dispose();

    const bytes = await Deno.readFile(path);
    await assertRejects(() => loadModel(`${folder}/none`), Deno.errors.NotFound);
    await assertRejects(() => decodeModel(bytes.subarray(0, 99)), SyntaxError, "the model: ");
    const text = new TextDecoder("latin1").decode(bytes);
    bytes[text.indexOf("kmeans")] ^= 1;
    await Deno.writeFile(path, bytes);
    await assertRejects(
      () => loadModel(path, { backend }),
      SyntaxError,
      "kmeans.safetensors: it is damaged: its content does not have the SHA-256",
    );
    const other = { ...model, name: "mine", options: {} } as unknown as Estimator;
    await assertRejects(() => encodeModel(other), TypeError, "Cannot save a mine");
  } finally {
    await Deno.remove(folder, { recursive: true });
    await backend.dispose();
  }
});
