import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertInstanceOf,
  assertLess,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import type { Backend } from "../engine/backend/backend.ts";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { RandomStream } from "../engine/random.ts";
import { openWebGpuBackend } from "../engine/webgpu/backend.ts";
import {
  type Checkpoint,
  DivergedError,
  type Estimator,
  type FitContext,
  type FitResult,
  InterruptedError,
  type Samples,
  type TrainingEvent,
  type TrainingSnapshot,
} from "../models/estimator.ts";
import type { OptionValues } from "../models/options.ts";
import type { Method } from "../models/method.ts";
import { METHODS } from "../models/registry.ts";
import { gpuTest } from "./gpu.ts";

const CLUSTERS = 3;
const SIDE = 6;
/** Not a multiple of the batch, so that there are partial batches. */
const ROWS = 70;

/** What makes a fit take a fraction of a second; each method takes what it knows. */
const TINY: OptionValues = {
  clusters: CLUSTERS,
  hidden: [16],
  latent: 2,
  batchSize: 16,
  channels: 3,
  pretrainSteps: 13,
  constructionSteps: 9,
  labelSteps: 7,
  moduleSteps: 7,
  steps: 14,
  checkInterval: 4,
  logInterval: 5,
  nInit: 2,
  critic: "trained",
  tol: 0,
};

function make(method: Method, changes: OptionValues = {}): Estimator {
  const known = method.options.map(({ name }) => name);
  const values = Object.entries({ ...TINY, ...changes }).filter(([name]) => known.includes(name));
  return method.create(Object.fromEntries(values));
}

/** Samples whose values are in memory. */
type Resident = Samples & { readonly data: Float32Array };

/** Images with a bright bar in one of three places, and noise; `kinds` are their places. */
const kinds = Array.from({ length: ROWS }, (_, i) => i % CLUSTERS);
const random = new RandomStream(11, 1);
const images: Resident = {
  data: Float32Array.from({ length: ROWS * SIDE * SIDE }, (_, i) => {
    const row = Math.floor((i % (SIDE * SIDE)) / SIDE);
    const kind = kinds[Math.floor(i / (SIDE * SIDE))];
    return (Math.floor(row / 2) === kind ? 0.7 : 0) + random.uniform(0, 0.3);
  }),
  n: ROWS,
  d: SIDE * SIDE,
  height: SIDE,
  width: SIDE,
};

/** A table of `n` rows and `d` columns. */
function table(n: number, d: number, value: (row: number, column: number) => number): Resident {
  const data = Float32Array.from({ length: n * d }, (_, i) => value(Math.floor(i / d), i % d));
  return { data, n, d };
}

/** Runs `body` with a model, and frees it. */
async function withModel<T>(model: Estimator, body: (model: Estimator) => Promise<T>): Promise<T> {
  try {
    return await body(model);
  } finally {
    await model.dispose();
  }
}

async function fit(
  method: Method,
  backend: Backend,
  context: FitContext = {},
  samples: Samples = images,
  changes: OptionValues = {},
): Promise<FitResult> {
  // Any row is an image of one line.
  const shape = method.needsImages && samples.height === undefined
    ? { height: 1, width: samples.d }
    : {};
  return await withModel(
    make(method, changes),
    (model) => model.fit({ ...samples, ...shape }, { backend, ...context }),
  );
}

/** As a checkpoint comes back from a file: JSON and arrays of its own. */
function stored({ variables, host }: Checkpoint): Checkpoint {
  return {
    variables: new Map(
      [...variables].map(([name, { shape, data }]) => [name, { shape, data: data.slice() }]),
    ),
    host: JSON.parse(JSON.stringify(host)),
  };
}

/** What training made, without its log, which may hold scores. */
function outcome({ history: _, ...rest }: FitResult): Omit<FitResult, "history"> {
  return rest;
}

/** For each row of `codes`, the number of the nearest centre. */
function nearestCentres(codes: Float32Array, centres: Float32Array, p: number): number[] {
  return Array.from({ length: codes.length / p }, (_, i) => {
    const distances = Array.from({ length: centres.length / p }, (_, k) => {
      let total = 0;
      for (let j = 0; j < p; j++) total += (codes[i * p + j] - centres[k * p + j]) ** 2;
      return total;
    });
    return distances.indexOf(Math.min(...distances));
  });
}

/** Aborts at the `count`-th event; gives the last checkpoint that was saved, if any. */
async function interrupt(
  method: Method,
  backend: Backend,
  count: number,
): Promise<{ resume?: Checkpoint; finished?: FitResult }> {
  const controller = new AbortController();
  let events = 0;
  let checkpoint: Checkpoint | undefined;
  try {
    const finished = await fit(method, backend, {
      signal: controller.signal,
      onEvent: () => void (++events === count && controller.abort()),
      save: (saved) => Promise.resolve(void (checkpoint = stored(saved))),
    });
    return { finished };
  } catch (error) {
    assertInstanceOf(error, InterruptedError);
    return checkpoint === undefined ? {} : { resume: checkpoint };
  }
}

/** Every checkpoint of a fit leads to the same end, and so does stopping at any event. */
async function checkResumption(method: Method, backend: Backend, points: number): Promise<void> {
  const checkpoints: Checkpoint[] = [];
  const save = (saved: Checkpoint) => Promise.resolve(void checkpoints.push(stored(saved)));
  const whole = await fit(method, backend, { save, saveSteps: 3 });
  assertGreater(checkpoints.length, 0);
  assertEquals(await fit(method, backend), whole, "checkpoints change nothing");
  const last = checkpoints.at(-1)!;
  const stride = Math.max(1, Math.floor(checkpoints.length / points));
  for (let i = 0; i < checkpoints.length; i += stride) {
    let end: Checkpoint | undefined;
    const resumed = await fit(method, backend, {
      resume: checkpoints[i],
      save: (saved) => Promise.resolve(void (end = stored(saved))),
      saveSteps: 3,
    });
    assertEquals(resumed, whole, `resumed from checkpoint ${i} of ${checkpoints.length}`);
    // The last checkpoint writes nothing more where nothing was left to do.
    if (i < checkpoints.length - 1) assertEquals(end, last);
  }
  for (let count = 1; count <= 3 * points; count += 3) {
    const { finished, ...saved } = await interrupt(method, backend, count);
    if (finished) {
      assertEquals(finished, whole);
      break;
    }
    assertEquals(await fit(method, backend, saved), whole, `event ${count}`);
  }
}

const cpu = await openCpuBackend({ threads: 1 });

for (const [name, method] of Object.entries(METHODS)) {
  Deno.test(`${name}: the same seed gives the same bytes, another seed others`, async () => {
    await withModel(make(method), async (model) => {
      const first = await model.fit(images, { backend: cpu });
      assertEquals(await model.fit(images, { backend: cpu }), first, "fit again");
      assertEquals(await model.fitPredict(images, { backend: cpu }), first.labels);
      assertEquals(await fit(method, cpu), first, "another instance");
      const other = await fit(method, cpu, {}, images, { seed: 1 });
      assertNotEquals(outcome(other), outcome(first));
    });
  });

  Deno.test(`${name}: results have the shapes that the contract says`, async () => {
    const result = await fit(method, cpu);
    const { labels, clusterCenters, embedding, embeddingSize, prototypes, history } = result;
    assertEquals(labels.length, ROWS);
    assert(labels.every((label) => label < CLUSTERS));
    assertEquals(clusterCenters.length, CLUSTERS * embeddingSize);
    assertEquals(embedding.length, ROWS * embeddingSize);
    if (prototypes) assertEquals(prototypes.length, CLUSTERS * images.d);
    for (const partition of Object.values(result.partitions)) {
      assertEquals(partition.length, ROWS);
      assert(partition.every((label) => label < CLUSTERS));
    }
    assertGreater(history.length, 0);
    assertGreater(result.stopReason.length, 0);
    for (const values of [clusterCenters, embedding, prototypes ?? []]) {
      assert(values.every(Number.isFinite));
    }
    assertEquals(JSON.parse(JSON.stringify(history)), history);
  });

  Deno.test(`${name}: predict and transform of the training rows are those of fit`, async () => {
    await withModel(make(method), async (model) => {
      const { labels, embedding, clusterCenters, embeddingSize } = await model.fit(images, {
        backend: cpu,
      });
      assertEquals(await model.transform(images), embedding);
      const predicted = await model.predict(images);
      if (method.labelsAreNearest !== false) {
        assertEquals([...predicted], nearestCentres(embedding, clusterCenters, embeddingSize));
      }
      assertEquals(predicted, labels);
      const one = { data: images.data.slice(0, images.d), n: 1, d: images.d };
      assertEquals([...await model.predict(one)], [labels[0]]);
    });
  });

  Deno.test(`${name}: soft assignments sum to 1 and are largest at the label, or there are none`, async () => {
    let checkpoint: Checkpoint | undefined;
    const save = (saved: Checkpoint) => Promise.resolve(void (checkpoint = stored(saved)));
    await withModel(make(method), async (model) => {
      await assertRejects(() => model.predictProba(images), TypeError, "not fitted yet");
      const { labels } = await model.fit(images, { backend: cpu, save });
      if (method.softAssignment === undefined) {
        await assertRejects(
          () => model.predictProba(images),
          TypeError,
          `${name} has no soft assignments`,
        );
        return;
      }
      const shares = await model.predictProba(images);
      assertEquals(shares.length, ROWS * CLUSTERS);
      labels.forEach((label, i) => {
        const own = shares.slice(i * CLUSTERS, (i + 1) * CLUSTERS);
        assert(own.every((share) => share >= 0));
        assertAlmostEquals(own.reduce((a, b) => a + b), 1, 1e-5);
        assertEquals(own[label], Math.max(...own), `row ${i}: ${own}`);
      });
      await withModel(make(method), async (loaded) => {
        await loaded.load(checkpoint!, cpu);
        assertEquals(await loaded.predictProba(images), shares);
      });
    });
    assertEquals(cpu.memory().bytes, 0);
  });

  if (method.softAssignment !== undefined) {
    Deno.test(`${name}: rows too far away for soft assignments are an error, and numbered`, async () => {
      await withModel(make(method), async (model) => {
        await model.fit(images, { backend: cpu });
        for (const value of [1e19, 9.96921e36, 3e38]) {
          const data = images.data.slice(0, 4 * images.d);
          data.fill(value, 2 * images.d + 3, 2 * images.d + 9);
          const far = { ...images, data, n: 4 };
          try {
            const shares = await model.predictProba(far);
            for (let i = 0; i < far.n; i++) {
              const row = shares.subarray(i * CLUSTERS, (i + 1) * CLUSTERS);
              assertAlmostEquals(row.reduce((a, b) => a + b), 1, 1e-5);
            }
          } catch (error) {
            assertInstanceOf(error, RangeError);
            assertStringIncludes(error.message, "row 2 has ");
          }
        }
      });
      assertEquals(cpu.memory().bytes, 0);
    });
  }

  Deno.test(`${name}: what fit saved, load predicts with`, async () => {
    let checkpoint: Checkpoint | undefined;
    const save = (saved: Checkpoint) => Promise.resolve(void (checkpoint = stored(saved)));
    const { labels, embedding } = await fit(method, cpu, { save });
    await withModel(make(method), async (model) => {
      await model.load(checkpoint!, cpu);
      assertEquals(await model.predict(images), labels);
      assertEquals(await model.transform(images), embedding);
      const narrow = table(4, images.d - 1, (row) => row);
      await assertRejects(
        () => model.predict(narrow),
        RangeError,
        `trained on ${images.d} columns, these have ${images.d - 1}`,
      );
    });
    const empty = { variables: new Map(), host: {} };
    await withModel(make(method), async (model) => {
      await assertRejects(() => model.load(empty, cpu), RangeError, "checkpoint");
      await assertRejects(() => model.predict(images), TypeError, "not fitted");
    });
    assertEquals(cpu.memory().bytes, 0);
  });

  Deno.test(`${name}: a model of rows that are all equal is loaded like any other`, async () => {
    for (const value of [0, 0.5]) {
      const equal = { ...images, data: new Float32Array(ROWS * images.d).fill(value) };
      await withModel(make(method), async (model) => {
        const { labels } = await model.fit(equal, { backend: cpu });
        const copy = make(method);
        await withModel(copy, async () => {
          await copy.load(await model.checkpoint(), cpu);
          assertEquals(await copy.predict(equal), labels);
        });
      });
    }
    assertEquals(cpu.memory().bytes, 0);
  });

  Deno.test(`${name}: predict and transform before fit, and after dispose, are errors`, async () => {
    const model = make(method);
    await assertRejects(() => model.predict(images), TypeError, "not fitted yet");
    await assertRejects(async () => await model.transform(images), TypeError, "not fitted yet");
    await model.fit(images, { backend: cpu });
    await model.dispose();
    await assertRejects(() => model.predict(images), TypeError, "not fitted yet");
    await model.dispose();
  });

  Deno.test(`${name}: options out of range are errors that name them`, () => {
    for (const clusters of [0, -1, 1.5, NaN]) {
      const error = assertThrows(() => make(method, { clusters }), RangeError);
      assertStringIncludes(error.message, `${name}: clusters must be an integer ≥ 1`);
    }
    for (const seed of [-1, 2 ** 32, 0.5]) {
      assertThrows(() => make(method, { seed }), RangeError, "seed must be an integer");
    }
    for (const { name, type } of method.options) {
      if (type !== "number" && type !== "integer") continue;
      assertThrows(() => make(method, { [name]: Infinity }), RangeError, "Infinity");
      // Adam's step where a gradient is 0 would be 0 / 0.
      if (/epsilon$/i.test(name)) {
        assertThrows(() => make(method, { [name]: 0 }), RangeError, `${name} must be`);
      }
    }
    assertThrows(
      () => method.create({ nonsense: 1 }),
      RangeError,
      `${name}: nonsense is no option`,
    );
  });

  Deno.test(`${name}: every profile resolves`, () => {
    assert("default" in method.profiles);
    for (const [profile, { values, description }] of Object.entries(method.profiles)) {
      const { options } = method.create(values);
      for (const [key, value] of Object.entries(values)) assertEquals(options[key], value, profile);
      assertGreater(description.length, 0);
    }
  });

  Deno.test(`${name}: samples that do not fit are errors, and leave no memory`, async () => {
    const spoilt = (index: number, value: number) => {
      const data = images.data.slice();
      data[index] = value;
      return { ...images, data };
    };
    const cases: [samples: Samples, type: typeof RangeError, message: string][] = [
      [table(2, 4, (row) => row), RangeError, "3 clusters need as many rows, there are 2"],
      [{ ...images, n: ROWS + 1 }, RangeError, `${ROWS + 1} × 36`],
      [{ ...images, height: 5 }, RangeError, "5 × 6 images have 30 pixels, rows 36"],
      [{ data: new Float32Array(0), n: 0, d: 3 }, RangeError, "samples"],
      [{ data: new Float32Array(0), n: 3, d: 0 }, RangeError, "samples"],
      [spoilt(77, NaN), RangeError, "1 value is not finite, NaN in row 2, column 5"],
      [spoilt(0, -Infinity), RangeError, "1 value is not finite, -Infinity in row 0, column 0"],
      [
        { ...images, data: images.data.with(77, NaN).with(78, Infinity) },
        RangeError,
        "2 values are not finite, the first is NaN in row 2, column 5",
      ],
      [{ ...images, channels: 3 }, RangeError, "6 × 6 images have 108 values in 3 channels"],
      [
        { ...images, data: [...images.data] as unknown as Float32Array },
        TypeError,
        "must be a Float32Array",
      ],
    ];
    for (const [samples, type, message] of cases) {
      await assertRejects(() => fit(method, cpu, {}, samples), type, message);
    }
    assertEquals(cpu.memory().bytes, 0);
  });

  Deno.test(`${name}: what is no samples is told how to become them`, async () => {
    const cases: [given: unknown, message: string][] = [
      [[[1, 2], [3, 4]], "found nested arrays; of rows [[…], …], { data: Float32Array.from(rows"],
      [new Float32Array(4), "found an array without n and d"],
      [{ x: 1 }, "found an object without data"],
      [undefined, "found undefined"],
    ];
    for (const [given, message] of cases) {
      await withModel(make(method), async (model) => {
        const samples = given as Samples;
        const context = { backend: cpu };
        await assertRejects(() => model.fit(samples, context), TypeError, message);
      });
    }
    assertEquals(cpu.memory().bytes, 0);
  });

  Deno.test(`${name}: colour images train, and are drawn with their channels`, async () => {
    const d = 3 * images.d;
    const data = Float32Array.from({ length: ROWS * d }, (_, i) => images.data[Math.floor(i / 3)]);
    const colour = { ...images, data, d, channels: 3 };
    await withModel(make(method), async (model) => {
      const { prototypes, labels } = await model.fit(colour, { backend: cpu });
      assertEquals(prototypes?.length ?? CLUSTERS * d, CLUSTERS * d);
      const copy = make(method);
      await withModel(copy, async () => {
        await copy.load(await model.checkpoint(), cpu);
        assertEquals(await copy.predict(colour), await model.predict(colour));
      });
      assertEquals(labels.length, ROWS);
    });
  });

  Deno.test(`${name}: degenerate samples give labels in range`, async () => {
    const cases: Record<string, [Resident, OptionValues]> = {
      "one row, one cluster": [table(1, 5, (_, column) => column), { clusters: 1 }],
      "as many clusters as rows": [table(4, 3, (row, column) => row * column), { clusters: 4 }],
      "one column": [table(30, 1, (row) => row % 3), {}],
      "all rows equal": [table(20, 4, () => 0.5), {}],
      "all zero": [table(20, 4, () => 0), {}],
      "constant columns": [table(40, 6, (row, column) => column < 3 ? 0.25 : row % 4), {}],
      "each row five times": [table(40, 4, (row, column) => ((row % 8) * (column + 1)) % 5), {}],
      "more clusters than distinct rows": [table(40, 2, (row) => row % 2), { clusters: 5 }],
    };
    for (const [what, [samples, options]] of Object.entries(cases)) {
      const { labels, embedding } = await fit(method, cpu, {}, samples, options);
      assertEquals(labels.length, samples.n, what);
      assert(labels.every((label) => label < Number(options.clusters ?? CLUSTERS)), what);
      assert(embedding.every(Number.isFinite), what);
      // Equal rows have equal labels.
      const seen = new Map<string, number>();
      labels.forEach((label, i) => {
        const row = samples.data.slice(i * samples.d, (i + 1) * samples.d).join();
        assertEquals(seen.get(row) ?? label, label, `${what}, row ${i}`);
        seen.set(row, label);
      });
    }
    assertEquals(cpu.memory().bytes, 0);
  });

  Deno.test(`${name}: rows that are no images train without augmentation, or not`, async () => {
    const { data, n, d } = images;
    if (method.needsImages) {
      const error = await assertRejects(
        () => withModel(make(method), (model) => model.fit({ data, n, d }, { backend: cpu })),
        RangeError,
      );
      assertStringIncludes(error.message, `${name}: the samples must be images`);
      assertEquals(cpu.memory().bytes, 0);
      return;
    }
    const plain = await fit(method, cpu, {}, { data, n, d });
    assertEquals(plain.labels.length, ROWS);
    const still = await fit(method, cpu, {}, images, { rotation: 0, shift: 0 });
    assertEquals(still, plain);
  });

  Deno.test(`${name}: true classes never change the result`, async () => {
    const without = await fit(method, cpu);
    for (const truth of [kinds, kinds.map((kind) => 2 - kind), new Array(ROWS).fill(0)]) {
      assertEquals(outcome(await fit(method, cpu, { truth })), outcome(without));
    }
  });

  Deno.test(`${name}: listening, saving often and seldom change nothing`, async () => {
    const whole = await fit(method, cpu);
    const events: string[] = [];
    const listened = await fit(method, cpu, {
      onEvent: (event) => events.push(event.type),
      save: () => Promise.resolve(),
      saveSeconds: 0,
    });
    assertEquals(listened, whole);
    assertGreater(events.length, 0);
    assertEquals(events.filter((type) => type === "log").length, whole.history.length);
  });

  Deno.test(`${name}: whoever watches gets labels and codes on the way, and changes nothing`, async () => {
    const whole = await fit(method, cpu);
    const seen: TrainingSnapshot[] = [];
    const watched = await fit(method, cpu, { onSnapshot: (snapshot) => seen.push(snapshot) });
    assertEquals(watched, whole);
    // Methods without a network have no codes to be looked at.
    assertEquals(seen.length > 0, !["kmeans", "gmm"].includes(name));
    for (const { phase, step, labels, codes } of seen) {
      assert(phase.length > 0 && step >= 0);
      assertEquals([labels.length, codes.length], [images.n, whole.embedding.length]);
      assert(labels.every((label) => label < CLUSTERS));
    }
  });

  Deno.test(`${name}: resuming from any checkpoint gives the same bytes`, async () => {
    await checkResumption(method, cpu, 6);
    assertEquals(cpu.memory().bytes, 0);
  });

  gpuTest(`${name}: resuming on WebGPU gives the same bytes`, async () => {
    const backend = await openWebGpuBackend();
    await checkResumption(method, backend, 2);
    assertEquals(backend.memory().bytes, 0);
    await backend.dispose();
  });

  Deno.test(`${name}: a signal that is aborted beforehand stops fit`, async () => {
    const signal = AbortSignal.abort();
    const save = () => Promise.reject(new Error("there is nothing to save yet"));
    await assertRejects(() => fit(method, cpu, { signal, save }), InterruptedError);
    assertEquals(cpu.memory().bytes, 0);
  });

  // Plain k-means has no stages: it is one.
  if (name !== "kmeans") {
    Deno.test(`${name}: an abort at any stage, k-means included, saves and loses nothing`, async () => {
      const stages: string[] = [];
      const whole = await fit(method, cpu, {
        onEvent: (event) => void (event.type === "stage" && stages.push(event.name)),
      });
      assertGreater(stages.length, 0);
      for (const stage of stages) {
        const controller = new AbortController();
        let checkpoint: Checkpoint | undefined;
        const save = (saved: Checkpoint) => Promise.resolve(void (checkpoint = stored(saved)));
        await assertRejects(
          () =>
            fit(method, cpu, {
              save,
              signal: controller.signal,
              onEvent: (event) =>
                void (event.type === "stage" && event.name === stage && controller.abort()),
            }),
          InterruptedError,
        );
        assertEquals(await fit(method, cpu, { resume: checkpoint! }), whole, stage);
      }
      assertEquals(cpu.memory().bytes, 0);
    });
  }

  Deno.test(`${name}: dispose frees all memory; the threads do not matter`, async () => {
    const start = cpu.memory();
    const model = make(method);
    const one = await model.fit(images, { backend: cpu });
    await model.predict(images);
    await model.dispose();
    assertEquals(cpu.memory().bytes, start.bytes);
    assertEquals(cpu.memory().buffers, start.buffers);
    const two = await withModel(make(method), async (own) => {
      const result = await own.fit(images, { device: { device: "cpu", threads: 2 } });
      assertEquals(await own.predict(images), result.labels);
      return result;
    });
    assertEquals(two, one);
  });

  Deno.test(`${name}: values too large for float32 sums are an error, or finite`, async () => {
    const huge = table(40, 4, (row, column) => (row % 3) * 1e25 + column);
    try {
      const { labels, embedding } = await fit(method, cpu, {}, huge);
      assert(labels.every((label) => label < CLUSTERS) && embedding.every(Number.isFinite));
    } catch (error) {
      assertInstanceOf(error, DivergedError);
      assertStringIncludes(error.message, "lower the learning rate or check the data");
    }
    assertEquals(cpu.memory().bytes, 0);
  });
}

Deno.test("methods that find clear clusters find the bars", async () => {
  const { labels } = await fit(METHODS.kmeans, cpu);
  labels.forEach((label, i) => assertEquals(label, labels[kinds[i]]));
});

Deno.test("k-means takes values up to float32's largest", async () => {
  const wide = table(20, 1, (row) => row % 2 === 0 ? 3e38 : -3e38);
  await withModel(make(METHODS.kmeans, { clusters: 2 }), async (model) => {
    const { labels, clusterCenters } = await model.fit(wide, { backend: cpu });
    assertEquals([...clusterCenters].sort((a, b) => a - b), [-3e38, 3e38].map(Math.fround));
    assertEquals(await model.predict(wide), labels);
    assertEquals(new Set(labels).size, 2);
  });
});

Deno.test("another run's network is refused where nothing is pre-trained", async () => {
  const pretrained = { variables: new Map(), host: {} };
  for (
    const [name, changes] of [["kmeans"], ["gmm"], ["cm"], ["ae-cm", { init: "rand" }]] as const
  ) {
    await assertRejects(
      () => fit(METHODS[name], cpu, { pretrained }, images, changes),
      RangeError,
      `${name} with these options pre-trains nothing`,
    );
  }
});

Deno.test("true classes that are none, or of other rows, are refused before training", async () => {
  const events: TrainingEvent[] = [];
  const onEvent = (event: TrainingEvent) => void events.push(event);
  for (
    const [truth, message] of [
      [kinds.slice(1), `${ROWS - 1} classes, and there are ${ROWS} rows`],
      [kinds.with(3, -1), "the class of row 3 is -1"],
      [kinds.with(5, 0.5), "the class of row 5 is 0.5"],
    ] as const
  ) {
    for (const method of [METHODS.kmeans, METHODS.dec]) {
      await assertRejects(() => fit(method, cpu, { truth, onEvent }), RangeError, message);
    }
  }
  assertEquals(events, []);
});

Deno.test("a deep method that diverges says when and by which term", async () => {
  for (const method of [METHODS.dynae, METHODS["ae-kmeans"]]) {
    const error = await assertRejects(
      () => fit(method, cpu, {}, images, { pretrainLearningRate: 1e30 }),
      DivergedError,
    );
    assertStringIncludes(error.message, 'pre-training: the loss term "');
    assertStringIncludes(error.message, "between steps");
  }
  assertEquals(cpu.memory().bytes, 0);
});

Deno.test("codes of any scale are labelled by the nearest centroid", async () => {
  // Of codes as small as these, 1 + ‖z − μ‖² is 1 in float32, whatever the centroid.
  const tiny = { ...images, data: images.data.map((value) => 1e-4 * value) };
  for (const name of ["ae-kmeans", "dcn", "dec", "idec", "dkm"]) {
    await withModel(make(METHODS[name]), async (model) => {
      const { embedding, embeddingSize: p, clusterCenters, labels } = await model.fit(tiny, {
        backend: cpu,
      });
      const nearest = Uint32Array.from(nearestCentres(embedding, clusterCenters, p));
      assertEquals(await model.predict(tiny), nearest, name);
      assertEquals(labels, nearest, name);
      if (["ae-kmeans", "dec"].includes(name)) assertEquals(new Set(labels).size, CLUSTERS, name);
    });
  }
});

Deno.test("a deep method whose last step diverges, which no loss tells, is an error", async () => {
  const options = { steps: 1, learningRate: 1e20 };
  for (const name of ["idec", "dcn", "dkm", "vade"]) {
    await assertRejects(
      () => fit(METHODS[name], cpu, {}, images, options),
      DivergedError,
      "the code of row 0 holds",
    );
  }
  assertEquals(cpu.memory().bytes, 0);
});

Deno.test("a checkpoint of other layers is an error, and nothing is loaded", async () => {
  for (const method of [METHODS.dynae, METHODS["ae-kmeans"]]) {
    let checkpoint: Checkpoint | undefined;
    const save = (saved: Checkpoint) => Promise.resolve(void (checkpoint = stored(saved)));
    await fit(method, cpu, { save });
    const wider = make(method, { hidden: [17] });
    const error = await assertRejects(() => wider.load(checkpoint!, cpu), RangeError);
    assertStringIncludes(error.message, "encoder.0.weight has the shape [36, 16]");
    assertStringIncludes(error.message, "this model's is [36, 17]");
    await assertRejects(() => wider.predict(images), TypeError, "not fitted yet");
    assertEquals(cpu.memory().bytes, 0);
  }
});

Deno.test("the registry's rows are whole", () => {
  for (const [name, method] of Object.entries(METHODS)) {
    assertEquals(method.name, name);
    assertGreater(method.summary.length, 10);
    assertGreater(method.citation.length, 10);
    const names = method.options.map((option) => option.name);
    assertEquals(new Set(names).size, names.length);
    for (const { description, name } of method.options) {
      assertGreater(description.length, 5, name);
      assertLess(description.length, 100, name);
    }
    method.create({});
  }
});

Deno.test("the device of these tests closes", async () => {
  await cpu.dispose();
});
