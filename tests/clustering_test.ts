import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLess,
  assertLessOrEqual,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import fc from "fast-check";
import { loadDataset } from "../datasets/load.ts";
import type { Backend } from "../engine/backend/backend.ts";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { confidence, softAssign } from "../engine/ops/assignment.ts";
import { OracleBackend } from "../engine/backend/oracle.ts";
import { trace } from "../engine/planner/program.ts";
import { RandomStream } from "../engine/random.ts";
import { State } from "../engine/state/state.ts";
import { Table } from "../engine/state/table.ts";
import { Autoencoder } from "../models/networks/autoencoder.ts";
import { DynAE } from "../models/dynae.ts";
import { Construction } from "../models/dynae_construction.ts";
import { dynamicLosses, dynamicTargets } from "../models/dynae_losses.ts";
import type { DynAEOptions, ThresholdSchedule } from "../models/dynae_options.ts";
import { dropThresholds } from "../models/dynae_thresholds.ts";
import { DivergedError } from "../models/estimator.ts";
import {
  kmeans,
  type KMeansOptions,
  type KMeansResult,
  meanVarianceOf,
  nearestCentroids,
  nearestRows,
} from "../models/shallow/kmeans.ts";
import { resolveOptions } from "../models/options.ts";
import { Augmentation } from "../models/training/batches.ts";
import { Pretraining } from "../models/training/pretraining.ts";
import {
  type CriticMode,
  PRETRAINING_OPTIONS,
  type PretrainingOptions,
} from "../models/training/pretraining_options.ts";
import { Rows } from "../models/training/rows.ts";
import { Training } from "../models/training/trainer.ts";

function squaredDistance(
  a: ArrayLike<number>,
  i: number,
  b: ArrayLike<number>,
  j: number,
  d: number,
): number {
  let total = 0;
  for (let c = 0; c < d; c++) total += (a[i * d + c] - b[j * d + c]) ** 2;
  return total;
}

/** Row numbers of `b` by their distance from row i of `a`, ties to the lowest. */
function byDistance(a: ArrayLike<number>, i: number, b: ArrayLike<number>, d: number): number[] {
  const rows = Array.from({ length: b.length / d }, (_, j) => j);
  return rows.sort((x, y) => squaredDistance(a, i, b, x, d) - squaredDistance(a, i, b, y, d));
}

async function cluster(
  data: Float32Array,
  d: number,
  options: KMeansOptions,
  backend: Backend = new OracleBackend(),
): Promise<KMeansResult> {
  using table = Table.upload(backend, "points", data, data.length / d, d);
  return await kmeans(backend, table, meanVarianceOf(data, d), options);
}

/** Points on a small grid of the plane, so that duplicates and ties are frequent. */
const gridPoints = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 2, maxLength: 60 })
  .map((list) => Float32Array.from(list.slice(0, 2 * Math.floor(list.length / 2))));

function distinctRows(data: Float32Array, d: number): number {
  const rows = Array.from({ length: data.length / d }, (_, i) => data.slice(i * d, i * d + d));
  return new Set(rows.map(String)).size;
}

Deno.test("soft assignments sum to one and are largest for the nearest centroid", async () => {
  const backends: Backend[] = [new OracleBackend(), await openCpuBackend({ threads: 1 })];
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 8 }),
      fc.constantFrom(0.01, 1, 50),
      fc.constantFrom(0.5, 1, 3),
      fc.nat(10_000),
      async (n, p, k, spread, alpha, seed) => {
        for (const backend of backends) {
          using state = new State(backend);
          const random = new RandomStream(seed, 1);
          const draw = (length: number) =>
            Float32Array.from({ length }, () => random.uniform(-spread, spread));
          const [codes, centres] = [draw(n * p), draw(k * p)];
          const z = state.variable("z", [n, p], { data: codes });
          const c = state.variable("c", [k, p], { data: centres });
          using program = await trace(backend, () => ({ q: softAssign(z, c, alpha) }));
          program.run();
          const { q } = await program.read();
          for (let i = 0; i < n; i++) {
            const row = [...q.slice(i * k, i * k + k)];
            assert(row.every((value) => value >= 0 && value <= 1));
            assertAlmostEquals(row.reduce((a, b) => a + b), 1, 1e-6);
            assertGreater(row[byDistance(codes, i, centres, p)[0]], Math.max(...row) - 1e-6);
          }
        }
      },
    ),
    { numRuns: 40 },
  );
  for (const backend of backends) await backend.dispose();
});

Deno.test("confident samples: largest share above β1, lead above β2, both strictly", async () => {
  const oracle = new OracleBackend();
  using state = new State(oracle);
  const q = state.variable("q", [5, 3], {
    data: Float32Array.of(
      ...[0.75, 0.125, 0.125],
      ...[0.5, 0.25, 0.25],
      ...[0.125, 0.625, 0.25],
      ...[0.5625, 0.4375, 0],
      ...[0.25, 0.25, 0.5],
    ),
  });
  const thresholds = state.variable("thresholds", [2], { data: Float32Array.of(0.5, 0.125) });
  using program = await trace(oracle, () => confidence(q, thresholds));
  program.run();
  const { labels, mask } = await program.read();
  assertEquals([...labels], [0, 0, 1, 0, 2]);
  assertEquals([...mask], [1, 0, 1, 0, 0]);
});

Deno.test("k-means: labels are the nearest centres, the inertia is theirs and the best", async () => {
  await fc.assert(
    fc.asyncProperty(gridPoints, fc.nat(100), fc.nat(100), async (data, k, seed) => {
      const n = data.length / 2;
      const clusters = 1 + (k % n);
      const found = await cluster(data, 2, { clusters, seed, nInit: 3 });
      let inertia = 0;
      for (let i = 0; i < n; i++) {
        const own = squaredDistance(data, i, found.centroids, found.labels[i], 2);
        const [nearest] = byDistance(data, i, found.centroids, 2);
        assertLessOrEqual(own, squaredDistance(data, i, found.centroids, nearest, 2) + 1e-5);
        inertia += own;
      }
      assertAlmostEquals(found.inertia, inertia, 1e-4 * (1 + inertia));
      assertEquals(found.inertia, Math.min(...found.inertias));
      assertEquals(found.inertias.length, 3);
      assert(found.labels.every((label) => label < clusters));
      assertEquals(found.emptyClusters, clusters - new Set(found.labels).size);
    }),
    { numRuns: 60 },
  );
});

Deno.test("k-means: the inertia never rises from one iteration to the next", async () => {
  await fc.assert(
    fc.asyncProperty(gridPoints, fc.nat(100), fc.nat(100), async (data, k, seed) => {
      const clusters = 1 + (k % Math.min(8, data.length / 2));
      let before = Infinity;
      for (let maxIterations = 1; maxIterations <= 9; maxIterations++) {
        const options = { clusters, seed, nInit: 1, maxIterations, tolerance: 0 };
        const { inertia, iterations } = await cluster(data, 2, options);
        assertLessOrEqual(inertia, before + 1e-9 * (1 + inertia));
        assertLessOrEqual(iterations, maxIterations);
        before = inertia;
      }
    }),
    { numRuns: 40 },
  );
});

Deno.test("k-means: fewer distinct points than clusters leave clusters empty, at inertia 0", async () => {
  await fc.assert(
    fc.asyncProperty(gridPoints, fc.nat(100), async (data, seed) => {
      const n = data.length / 2;
      const distinct = distinctRows(data, 2);
      const found = await cluster(data, 2, { clusters: n, seed, nInit: 2 });
      assertEquals(found.inertia, 0);
      assertEquals(found.emptyClusters, n - distinct);
      assert(found.converged);
      for (let i = 0; i < n; i++) {
        assertEquals(squaredDistance(data, i, found.centroids, found.labels[i], 2), 0);
      }
    }),
    { numRuns: 40 },
  );
});

Deno.test("k-means: one cluster is the mean; as many clusters as points are the points", async () => {
  const data = Float32Array.of(0, 0, 4, 0, 0, 8, 4, 4);
  const one = await cluster(data, 2, { clusters: 1 });
  assertEquals([...one.centroids], [2, 3]);
  assertEquals(one.inertia, 4 * 4 + 9 + 9 + 25 + 1);
  assertEquals([...one.labels], [0, 0, 0, 0]);
  const all = await cluster(data, 2, { clusters: 4 });
  assertEquals(all.inertia, 0);
  assertEquals(new Set(all.labels).size, 4);
  const single = await cluster(Float32Array.of(7), 1, { clusters: 1 });
  assertEquals([single.labels[0], single.centroids[0], single.inertia], [0, 7, 0]);
});

Deno.test("k-means: separated blobs are found from every seed", async () => {
  const random = new RandomStream(1, 1);
  const centres = [[0, 0], [10, 0], [0, 10], [10, 10]];
  const data = Float32Array.from(
    { length: 400 },
    (_, i) => centres[Math.floor(i / 2) % 4][i % 2] + random.uniform(-1, 1),
  );
  for (let seed = 0; seed < 5; seed++) {
    const { labels } = await cluster(data, 2, { clusters: 4, seed, nInit: 3 });
    assertEquals(new Set(labels).size, 4);
    labels.forEach((label, i) => assertEquals(label, labels[i % 4]));
  }
});

Deno.test("k-means: the same seed gives the same result; chunks of the table do not matter", async () => {
  /** One binding holds 1,024 rows of 16 columns. */
  class SmallBindings extends OracleBackend {
    override readonly maxRegionBytes = 4 * 16 * 1024;
  }
  const random = new RandomStream(5, 1);
  const data = Float32Array.from({ length: 16 * 2500 }, () => random.uniform());
  const options = { clusters: 4, nInit: 1, seed: 9, maxIterations: 10 };
  const whole = await cluster(data, 16, options);
  assertEquals(await cluster(data, 16, options), whole);
  assertEquals(await cluster(data, 16, options, new SmallBindings()), whole);
  assertNotEquals((await cluster(data, 16, { ...options, seed: 10 })).labels, whole.labels);
});

Deno.test("k-means: options out of range are errors with the value", async () => {
  const data = Float32Array.of(1, 2, 3);
  const cases: [options: KMeansOptions, message: string][] = [
    [{ clusters: 0 }, "clusters must be an integer from 1 to the number of points, 3; got 0"],
    [{ clusters: 4 }, "got 4"],
    [{ clusters: 1.5 }, "got 1.5"],
    [{ clusters: 2, nInit: 0 }, "nInit must be an integer ≥ 1, got 0"],
    [{ clusters: 2, maxIterations: 0 }, "maxIterations must be an integer ≥ 1, got 0"],
    [{ clusters: 2, seed: -1 }, "seed must be an integer from 0 to 4294967295, got -1"],
  ];
  for (const [options, message] of cases) {
    await assertRejects(() => cluster(data, 1, options), RangeError, message);
  }
});

Deno.test("k-means: points that are no numbers, or too far apart for float32, are an error", async () => {
  const cpu = await openCpuBackend({ threads: 1 });
  for (const [value, sum] of [[NaN, NaN], [Infinity, NaN], [1e25, Infinity]]) {
    const data = Float32Array.of(0, 1, value, 3, 2 * value, -value);
    const error = await assertRejects(
      () => cluster(data, 1, { clusters: 2, maxIterations: 9 }, cpu),
      DivergedError,
    );
    assertStringIncludes(error.message, `6 points to their centres add up to ${sum}`);
  }
  assertEquals(cpu.memory().bytes, 0);
  await cpu.dispose();
});

Deno.test("nearest rows and nearest centres are those of a plain search", async () => {
  await fc.assert(
    fc.asyncProperty(gridPoints, gridPoints, async (data, centres) => {
      const oracle = new OracleBackend();
      using state = new State(oracle);
      using table = Table.upload(oracle, "points", data, data.length / 2, 2);
      const c = state.variable("c", [centres.length / 2, 2], { data: centres });
      const rows = await nearestRows(oracle, table, c);
      assertEquals([...rows], Array.from(rows, (_, j) => byDistance(centres, j, data, 2)[0]));
      const labels = await nearestCentroids(oracle, table, c);
      assertEquals([...labels], Array.from(labels, (_, i) => byDistance(data, i, centres, 2)[0]));
    }),
    { numRuns: 60 },
  );
});

/**
 * scikit-learn 1.2.1: `KMeans(10, n_init=50, random_state=0).fit(x).inertia_`, with x the 5,620 rows
 * of optdigits, pixels divided by 16, in float64.
 */
const OPTDIGITS_INERTIA = 14365.868729102267;

Deno.test("k-means on optdigits reaches scikit-learn's best inertia within 1 %", async () => {
  const backend = await openCpuBackend({ threads: 2 });
  const { data, d } = await loadDataset("optdigits");
  const { inertia, inertias, converged } = await cluster(data, d, { clusters: 10 }, backend);
  assert(converged);
  assertLess(Math.abs(inertia / OPTDIGITS_INERTIA - 1), 0.01);
  for (const other of inertias) assertGreater(other, 0.999 * OPTDIGITS_INERTIA);
  await backend.dispose();
});

Deno.test("gamma is a number, 0 included, or a name for one that the data decide", async () => {
  const [n, height, width, latent] = [4, 3, 4, 3];
  const d = height * width;
  const gammaOf = async (gamma: DynAEOptions["gamma"], areImages: boolean) => {
    const backend = new OracleBackend();
    const training = new Training(backend, {});
    const { state } = training;
    const net = new Autoencoder(state, { inputs: d, hidden: [4], latent }, 0);
    const samples = { data: new Float32Array(n * d), n, d };
    const centroids = state.variable("centroids", [2, latent]);
    const augmentation = areImages
      ? new Augmentation(state, { height, width, rotation: 10, shift: 0, seed: 0 })
      : undefined;
    const { options } = new DynAE({ gamma, latent, clusters: 2 });
    const rows = await Rows.open(backend, samples);
    const fitting = { training, net, samples, rows, centroids };
    const { gamma: found } = new Construction(fitting, augmentation, options);
    training.dispose();
    return found;
  };
  for (const areImages of [false, true]) {
    assertEquals(await gammaOf(0, areImages), 0);
    assertEquals(await gammaOf(1, areImages), 1);
    assertEquals(await gammaOf("sums", areImages), 4);
    assertEquals(await gammaOf("auto", areImages), areImages ? 100 : 4);
  }
  assertThrows(
    () => new DynAE({ gamma: -1 }),
    RangeError,
    "dynae: gamma must be a number ≥ 0, or auto or sums, got -1",
  );
});

/** β1 and β2 over the first updates. */
const THRESHOLDS: Record<ThresholdSchedule, readonly (readonly [number, number])[]> = {
  code: [[0.3, 0.15], [0.21, 0.06], [0.12, -0.03], [0.093, -0.057]],
  paper: [[0.3, 0.15], [0.21, 0.06], [0.183, 0.033], [0.1749, 0.0249]],
};

for (const schedule of ["code", "paper"] as const) {
  Deno.test(`DynAE's thresholds drop as the ${schedule} has it`, () => {
    let state = { kappa: 0.3, beta1: 0.3, beta2: 0.15, drop: 0.09 };
    for (const [beta1, beta2] of THRESHOLDS[schedule]) {
      assertAlmostEquals(state.beta1, beta1, 1e-12);
      assertAlmostEquals(state.beta2, beta2, 1e-12);
      state = dropThresholds(state, schedule);
    }
  });

  Deno.test(`DynAE's log shows the ${schedule}'s thresholds, an update after each standstill`, async () => {
    const random = new RandomStream(2, 2);
    const data = Float32Array.from({ length: 60 * 5 }, () => random.uniform());
    const model = new DynAE({
      clusters: 3,
      hidden: [8],
      latent: 2,
      pretrainSteps: 5,
      partition: "kmeans",
      batchSize: 20,
      steps: 12,
      checkInterval: 1,
      tol: 0,
      schedule,
      nInit: 1,
    });
    const backend = new OracleBackend();
    const { history } = await model.fit({ data, n: 60, d: 5 }, { backend });
    const rows = history.filter(({ beta1 }) => beta1 !== undefined);
    assertGreater(rows.length, 10);
    let expected = { kappa: 0.3, beta1: 0.3, beta2: 0.15, drop: 0.09 };
    let before = 60;
    let updates = 0;
    for (const row of rows) {
      assertAlmostEquals(row.beta1 as number, expected.beta1, 1e-9);
      assertAlmostEquals(row.beta2 as number, expected.beta2, 1e-9);
      assertAlmostEquals(row.kappa as number, 3 * expected.kappa, 1e-9);
      const conflicted = row.conflicted as number;
      assertEquals(conflicted + (row.unconflicted as number), 60);
      const due = conflicted >= before && row !== rows.at(-1);
      assertEquals(row.update, due, JSON.stringify(row));
      if (due) {
        expected = dropThresholds(expected, schedule);
        updates++;
      }
      before = conflicted;
    }
    assertGreater(updates, 0);
    await model.dispose();
  });
}

/** The critic's parameters before and after a few steps of pre-training. */
async function criticMoves(critic: CriticMode): Promise<{ critic: boolean; net: boolean }> {
  const oracle = new OracleBackend();
  const training = new Training(oracle, {});
  const sizes = { inputs: 6, hidden: [5], latent: 2 };
  const net = new Autoencoder(training.state, sizes, 1);
  const options = resolveOptions<Omit<PretrainingOptions, "seed">>(
    "pre-training",
    PRETRAINING_OPTIONS,
    {
      pretrainSteps: 4,
      pretrainLearningRate: 1e-3,
      batchSize: 8,
      critic,
      criticLearningRate: 1e-3,
    },
  );
  const pretraining = new Pretraining(training, net, undefined, {
    ...options,
    seed: 1,
  });
  const random = new RandomStream(3, 3);
  const data = Float32Array.from({ length: 20 * 6 }, () => random.uniform());
  using table = Table.upload(oracle, "rows", data, 20, 6);
  const before = await training.state.snapshot();
  await pretraining.run(Rows.of(table));
  const after = await training.state.snapshot();
  const moved = (prefix: string) =>
    [...before].filter(([name]) => name.startsWith(prefix) && name.endsWith("weight"))
      .map(([name, { data }]) => data.some((value, i) => value !== after.get(name)!.data[i]));
  const [weights, others] = [moved("critic."), [...moved("encoder."), ...moved("decoder.")]];
  assertEquals(weights.length, critic === "off" ? 0 : 2);
  assert(weights.every((one) => one === weights[0]));
  assert(others.length === 4 && others.every((one) => one === others[0]));
  training.dispose();
  return { critic: weights[0] ?? false, net: others[0] };
}

Deno.test("pre-training moves the critic where it is trained, and only there", async () => {
  assertEquals(await criticMoves("trained"), { critic: true, net: true });
  assertEquals(await criticMoves("fixed"), { critic: false, net: true });
  assertEquals(await criticMoves("off"), { critic: false, net: true });
});

/** y = act(x·w + b), plainly. */
function layer(
  x: number[][],
  w: ArrayLike<number>,
  b: ArrayLike<number>,
  rectify: boolean,
): number[][] {
  const units = b.length;
  return x.map((row) =>
    Array.from({ length: units }, (_, j) => {
      const sum = row.reduce((total, value, i) => total + value * w[i * units + j], b[j]);
      return rectify ? Math.max(sum, 0) : sum;
    })
  );
}

function meanSquare(a: number[][], b: number[][]): number {
  const errors = a.flatMap((row, i) => row.map((value, j) => (value - b[i][j]) ** 2));
  return errors.reduce((total, error) => total + error) / errors.length;
}

Deno.test("DynAE's loss is the one of a plain computation in float64", async () => {
  const oracle = new OracleBackend();
  using state = new State(oracle);
  const [n, d, p, k] = [12, 4, 2, 3];
  const net = new Autoencoder(state, { inputs: d, hidden: [5], latent: p }, 4);
  const random = new RandomStream(8, 1);
  const draw = (rows: number, columns: number, low: number, high: number) =>
    Array.from(
      { length: rows },
      () => Array.from({ length: columns }, () => Math.fround(random.uniform(low, high))),
    );
  const variable = (name: string, rows: number[][]) =>
    state.variable(name, [rows.length, rows[0].length], { data: Float32Array.from(rows.flat()) });
  const [clean, moved] = [draw(n, d, -3, 3), draw(n, d, -3, 3)];
  const [centres, pictures] = [draw(k, p, -1, 1), draw(k, d, 0, 1)];
  const [beta1, beta2] = [0.38, 0.03].map(Math.fround);
  const scene = {
    centroids: variable("centroids", centres),
    images: variable("images", pictures),
    thresholds: state.variable("thresholds", [2], { data: Float32Array.of(beta1, beta2) }),
  };
  const [x, augmented] = [variable("x", clean), variable("augmented", moved)];

  const parameter = async (name: string) => await state.get(name).read();
  const encoder = [
    await parameter("encoder.0.weight"),
    await parameter("encoder.0.bias"),
    await parameter("encoder.1.weight"),
    await parameter("encoder.1.bias"),
  ];
  const decoder = [
    await parameter("decoder.0.weight"),
    await parameter("decoder.0.bias"),
    await parameter("decoder.1.weight"),
    await parameter("decoder.1.bias"),
  ];
  const apply = (rows: number[][], [w0, b0, w1, b1]: ArrayLike<number>[]) =>
    layer(layer(rows, w0, b0, true), w1, b1, false);

  for (const which of ["clean", "augmented"] as const) {
    using program = await trace(oracle, () => {
      const z = net.encode(augmented);
      const targets = which === "clean"
        ? dynamicTargets(x, net.encode(x), scene)
        : dynamicTargets(augmented, z, scene);
      return { ...dynamicLosses(net, z, targets, 7) };
    });
    program.run();
    const { code, image, total } = await program.read();

    const source = which === "clean" ? clean : moved;
    const codes = apply(moved, encoder);
    const sourceCodes = apply(source, encoder);
    let confident = 0;
    const chosen = sourceCodes.map((z) => {
      const weights = centres.map((c) => 1 / (1 + squaredDistance(z, 0, c, 0, p)));
      const sum = weights.reduce((a, b) => a + b);
      const order = weights.map((_, j) => j).sort((a, b) => weights[b] - weights[a]);
      const [first, second] = order.map((j) => weights[j] / sum);
      const sure = first > beta1 && first - second > beta2;
      if (sure) confident++;
      return sure ? order[0] : undefined;
    });
    assert(confident > 0 && confident < n, `${confident} confident samples`);
    const codeTargets = chosen.map((c, i) => c === undefined ? sourceCodes[i] : centres[c]);
    const imageTargets = chosen.map((c, i) => c === undefined ? source[i] : pictures[c]);
    const expectedCode = meanSquare(codes, codeTargets);
    const expectedImage = meanSquare(apply(codes, decoder), imageTargets);
    assertAlmostEquals(code[0], expectedCode, 1e-12);
    assertAlmostEquals(image[0], expectedImage, 1e-12);
    assertAlmostEquals(total[0], expectedCode + 7 * expectedImage, 1e-11);
  }
});
