/** Rows read from a source a window at a time: what resident rows give, and every row its turn. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { openDataset } from "../datasets/row_file.ts";
import { encodeIdx } from "../datasets/idx.ts";
import { loadDataset } from "../datasets/load.ts";
import { encodeNpy } from "../datasets/npy.ts";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import type { BatchOrder } from "../engine/ops/random.ts";
import { RandomStream } from "../engine/random.ts";
import { State } from "../engine/state/state.ts";
import type { Tensor } from "../engine/tensor/tensor.ts";
import { AEKMeans } from "../models/ae_kmeans.ts";
import { BatchPrograms } from "../models/training/batches.ts";
import { DynAE } from "../models/dynae.ts";
import {
  type Checkpoint,
  InterruptedError,
  type RowSource,
  type Samples,
} from "../models/estimator.ts";
import { KMeans } from "../models/kmeans_estimator.ts";
import { Rows } from "../models/training/rows.ts";

const [N, D] = [5000, 6];
const random = new RandomStream(11, 1);
const DATA = Float32Array.from(
  { length: N * D },
  (_, i) => 0.2 * random.uniform() + (Math.floor(i / D) % 3) * 0.3 * ((i % D) % 2),
);
const RESIDENT: Samples = { data: DATA, n: N, d: D };

/** The same rows, windows of 2,048 of them at a time; counts the values read. */
function streamed(): Samples & { readonly data: RowSource & { values: number } } {
  const data = {
    windowRows: 2048,
    values: 0,
    async read(first: number, into: Float32Array) {
      await Promise.resolve();
      this.values += into.length;
      into.set(DATA.subarray(first * D, first * D + into.length));
    },
  };
  return { data, n: N, d: D };
}

/**
 * The first column of every batch of so many steps, where it holds the rows' numbers; fails where the
 * batch says others.
 */
async function visited(order: BatchOrder, windowed: boolean, steps: number) {
  const backend = await openCpuBackend({ threads: 2 });
  const numbers = Float32Array.from({ length: N }, (_, i) => i);
  const data = {
    windowRows: 2048,
    // deno-lint-ignore require-await
    async read(first: number, into: Float32Array) {
      into.set(numbers.subarray(first, first + into.length));
    },
  };
  try {
    using rows = await Rows.open(backend, { data: windowed ? data : numbers, n: N, d: 1 });
    using state = new State(backend);
    const step = state.variable("step", [1], { dtype: "u32" });
    const settings = { batchSize: 300, order, seed: 4, step };
    const build = (x: Tensor, numbers: Tensor) => ({ x, numbers });
    using programs = await BatchPrograms.trace(backend, rows, settings, "visit", build);
    const batches: number[][] = [];
    for (let s = 0; s < steps; s++) {
      step.write(Uint32Array.of(s));
      const { program } = await programs.at(s);
      program.run();
      const { x, numbers } = await program.read();
      assertEquals(Array.from(numbers), Array.from(x));
      batches.push([...x]);
    }
    return batches;
  } finally {
    await backend.dispose();
  }
}

Deno.test("batches in order are those of resident rows, the last partial one included", async () => {
  // An epoch is 17 batches; a window holds 6.
  const steps = 2 * 17 + 3;
  assertEquals(await visited("sequential", true, steps), await visited("sequential", false, steps));
});

Deno.test("batches in order and shuffled within hold the rows of resident ones", async () => {
  const steps = 2 * 17 + 3;
  const order = "sequentialShuffledWithin";
  const [windowed, resident] = [
    await visited(order, true, steps),
    await visited(order, false, steps),
  ];
  const sorted = (batches: number[][]) => batches.map((batch) => batch.toSorted((a, b) => a - b));
  assertEquals(sorted(windowed), sorted(resident));
  assert(windowed.every((batch, i) => batch.join() !== sorted(windowed)[i].join()));
});

Deno.test("shuffled windows: no row twice in an epoch, all rows in time, mixtures", async () => {
  // 39 runs of 128 rows fill 2 windows of 2,048, and each of them gives 6 batches of 300.
  const epochs = 24;
  const batches = await visited("shuffled", true, 12 * epochs);
  const seen = new Set<number>();
  for (let epoch = 0; epoch < epochs; epoch++) {
    const rows = batches.slice(12 * epoch, 12 * (epoch + 1)).flat();
    assertEquals(new Set(rows).size, 12 * 300, `epoch ${epoch}`);
    rows.forEach((row) => seen.add(row));
  }
  assertEquals(seen.size, N);
  assert(batches[0].join() !== batches[12].join());
  for (const batch of batches) {
    // Uniform numbers have a mean of N/2 and a deviation of N/√12; runs of 128 leave some slack.
    const mean = batch.reduce((a, b) => a + b) / batch.length;
    assert(Math.abs(mean - N / 2) < N / 4, `a batch of mean ${mean}`);
  }
});

const OPTIONS = {
  clusters: 3,
  hidden: [12],
  latent: 2,
  pretrainSteps: 60,
  batchSize: 250,
  seed: 2,
  nInit: 2,
} as const;

Deno.test("sequential AE+KM on a source gives the bytes of resident rows", async () => {
  const options = { ...OPTIONS, batchOrder: "sequential" } as const;
  const source = streamed();
  const [resident, windowed] = [new AEKMeans(options), new AEKMeans(options)];
  const a = await resident.fit(RESIDENT);
  const b = await windowed.fit(source);
  assertEquals(b.embedding, a.embedding);
  assertEquals(b.labels, a.labels);
  assertEquals(await windowed.predict(streamed()), await resident.predict(RESIDENT));
  assertEquals(await windowed.transform(streamed()), a.embedding);
  // Three epochs of training, a pass, and at most a window read ahead for each.
  assert(source.data.values < 6 * N * D, `${source.data.values / (N * D)} readings of the data`);
  await resident.dispose();
  await windowed.dispose();
});

Deno.test("DynAE on a source, interrupted and resumed, ends with the bytes of one go", async () => {
  const options = {
    ...OPTIONS,
    constructionSteps: 40,
    steps: 60,
    checkInterval: 20,
    critic: "trained",
  } as const;
  const whole = new DynAE(options);
  const expected = await whole.fit(streamed());
  await whole.dispose();
  let checkpoint: Checkpoint | undefined;
  const abort = new AbortController();
  const first = new DynAE(options);
  await assertRejects(
    () =>
      first.fit(streamed(), {
        signal: abort.signal,
        saveSteps: 7,
        save(saved) {
          checkpoint = saved;
          if (Object.keys(saved.host.phases ?? {}).includes("clustering")) abort.abort();
          return Promise.resolve();
        },
      }),
    InterruptedError,
  );
  const second = new DynAE(options);
  const found = await second.fit(streamed(), { resume: checkpoint! });
  assertEquals(found.labels, expected.labels);
  assertEquals(found.embedding, expected.embedding);
  assertEquals(found.history, expected.history);
  await second.dispose();
});

Deno.test("few rows of a source are kept on the device, and read once", async () => {
  const source = streamed();
  const few = { ...source, n: 2000 };
  const model = new AEKMeans({ ...OPTIONS, pretrainSteps: 20 });
  await model.fit(few);
  await model.dispose();
  assertEquals(source.data.values, 2000 * D);
});

Deno.test("a source that fails ends the training with its own error", async () => {
  let reads = 0;
  const data = {
    windowRows: 1024,
    read(_: number, into: Float32Array) {
      into.fill(0.5);
      return ++reads > 40 ? Promise.reject(new Error("the disk is gone")) : Promise.resolve();
    },
  };
  const model = new AEKMeans({ ...OPTIONS, pretrainSteps: 500 });
  await assertRejects(() => model.fit({ data, n: N, d: D }), Error, "the disk is gone");
});

Deno.test("what needs all rows, or larger windows, says so", async () => {
  await assertRejects(() => new KMeans({ clusters: 3 }).fit(streamed()), TypeError, "in memory");
  const large = new AEKMeans({ ...OPTIONS, batchSize: 4096 });
  await assertRejects(() => large.fit(streamed()), RangeError, "do not fit a window of 2048");
});

/** Writes a file for a test, and removes it. */
async function withFile(name: string, bytes: Uint8Array, test: (path: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeFile(`${folder}/${name}`, bytes);
    await test(`${folder}/${name}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("files give, row by row, the values that loading gives", async () => {
  const pixels = Uint8Array.from({ length: 40 * 12 }, (_, i) => (i * 37) % 256);
  const reals = Float32Array.from({ length: 40 * 12 }, (_, i) => i / 7);
  const files: [name: string, bytes: Uint8Array][] = [
    ["bytes.idx3", encodeIdx(pixels, [40, 3, 4])],
    ["reals.idx3", encodeIdx(reals, [40, 3, 4])],
    ["reals.npy", encodeNpy(reals, [40, 12])],
  ];
  for (const [name, bytes] of files) {
    await withFile(name, bytes, async (path) => {
      for (
        const options of [
          {},
          { scale: 3 },
          { scale: "none" },
          { scale: "unit" },
          { scale: "standard" },
          { limit: 11 },
        ] as const
      ) {
        const all = await loadDataset(path, options);
        const rows = await openDataset(path, options);
        using _ = rows.data;
        assertEquals(
          [rows.n, rows.d, rows.height, rows.width, rows.scaling, rows.schema],
          [all.n, all.d, all.height, all.width, all.scaling, all.schema],
        );
        // Readings that overlap do not mix.
        const parts = Array.from({ length: all.n }, () => new Float32Array(all.d));
        await Promise.all(parts.map((part, i) => rows.data.read(i, part)));
        assertEquals(parts.flatMap((part) => [...part]), [...all.data], name);
      }
    });
  }
});

Deno.test("the digest depends on values, shape and scaling", async () => {
  const digestOf = async (values: Float32Array, shape: number[], options = {}) => {
    let digest = "";
    await withFile("x.npy", encodeNpy(values, shape), async (path) => {
      const rows = await openDataset(path, options);
      digest = rows.digest;
      rows.data.close();
    });
    return digest;
  };
  const values = Float32Array.of(1, 2, 3, 4);
  const digests = [
    await digestOf(values, [2, 2]),
    await digestOf(values, [4, 1]),
    await digestOf(Float32Array.of(1, 2, 3, 5), [2, 2]),
    await digestOf(values, [2, 2], { scale: 2 }),
    await digestOf(values, [2, 2], { limit: 1 }),
  ];
  assertEquals(new Set(digests).size, digests.length);
  assertEquals(await digestOf(values, [2, 2]), digests[0]);
});

Deno.test("files that cannot be read row by row say why", async () => {
  const npy = encodeNpy(Float32Array.of(1, 2, NaN, 4), [2, 2]);
  const good = encodeNpy(Float32Array.of(1, 2, 3, 4), [2, 2]);
  const gzip = new Uint8Array([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0]);
  const cases: [Uint8Array, object, typeof TypeError | typeof RangeError, string][] = [
    [npy, {}, RangeError, "row 1, column 0 (from 0) is NaN"],
    [good.subarray(0, good.length - 1), {}, SyntaxError, "cut short"],
    [gzip, {}, TypeError, "compressed"],
    [new TextEncoder().encode("1,2\n3,4\n"), {}, TypeError, "neither"],
    [good, { scale: -1 }, RangeError, "above 0"],
  ];
  for (const [bytes, options, type, message] of cases) {
    await withFile("x.npy", bytes, async (path) => {
      await assertRejects(() => openDataset(path, options), type, message);
    });
  }
  await assertRejects(() => openDataset("absent.npy"), Deno.errors.NotFound, "no such file");
});
