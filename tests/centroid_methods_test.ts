/** DEC, IDEC, DCN and DKM: losses, targets and updates beside plain loops in float64. */
import {
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLess,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { gradients } from "../engine/gradient/gradient.ts";
import { softAssign } from "../engine/ops/assignment.ts";
import { advance } from "../engine/ops/counter.ts";
import { OracleBackend } from "../engine/backend/oracle.ts";
import { type Outputs, trace } from "../engine/planner/program.ts";
import { RandomStream } from "../engine/random.ts";
import { type Shape, sizeOf } from "../engine/tensor/shape.ts";
import { State } from "../engine/state/state.ts";
import type { Variable } from "../engine/tensor/tensor.ts";
import { AUDIT_CLUSTERS, AUDIT_ROWS, AUDIT_SIZES, AuditScene } from "../models/audit_scene.ts";
import { BatchPrograms } from "../models/training/batches.ts";
import { DCN, dcnLosses, updateCentroids } from "../models/dcn.ts";
import { DEC } from "../models/dec.ts";
import { annealedAlphas, DKM, dkmLosses, softKMeansLoss } from "../models/dkm.ts";
import type { Checkpoint, FitContext, Samples } from "../models/estimator.ts";
import { IDEC, idecLosses } from "../models/idec.ts";
import { klDivergence } from "../models/losses.ts";
import { Rows } from "../models/training/rows.ts";
import { targetDistribution, traceRefresh } from "../models/training/self_training.ts";

const [N, K, P] = [7, 4, 3];
const random = new RandomStream(3, 1);

function draw(shape: Shape, low = -1, high = 1): Float32Array {
  return Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(low, high));
}

/** Computes on the oracle what `build` makes of variables. */
async function compute<V extends Record<string, readonly [Shape, Float32Array]>, O extends Outputs>(
  given: V,
  build: (variables: { [name in keyof V]: Variable }) => O,
) {
  const oracle = new OracleBackend();
  using state = new State(oracle);
  const variables = Object.fromEntries(
    Object.entries(given).map(([name, [shape, data]]) => [
      name,
      state.variable(name, shape, { data }),
    ]),
  ) as { [name in keyof V]: Variable };
  using program = await trace(oracle, () => build(variables));
  program.run();
  return await program.read();
}

/** ‖z_i − μ_k‖² */
function squaredDistance(z: ArrayLike<number>, i: number, u: ArrayLike<number>, k: number, p = P) {
  let total = 0;
  for (let j = 0; j < p; j++) total += (z[i * p + j] - u[k * p + j]) ** 2;
  return total;
}

/** q and p of all rows, in plain loops. */
function assignments(z: ArrayLike<number>, u: ArrayLike<number>, n: number, k: number, p: number) {
  const q = new Float64Array(n * k);
  const target = new Float64Array(n * k);
  const frequencies = new Float64Array(k);
  const normalise = (values: Float64Array, i: number) => {
    let total = 0;
    for (let l = 0; l < k; l++) total += values[i * k + l];
    for (let l = 0; l < k; l++) values[i * k + l] /= total;
  };
  for (let i = 0; i < n; i++) {
    for (let l = 0; l < k; l++) q[i * k + l] = 1 / (1 + squaredDistance(z, i, u, l, p));
    normalise(q, i);
    for (let l = 0; l < k; l++) frequencies[l] += q[i * k + l];
  }
  for (let i = 0; i < n; i++) {
    for (let l = 0; l < k; l++) target[i * k + l] = q[i * k + l] ** 2 / frequencies[l];
    normalise(target, i);
  }
  return { q, target };
}

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-9) {
  assertEquals(actual.length, expected.length);
  for (let i = 0; i < actual.length; i++) assertAlmostEquals(actual[i], expected[i], tolerance);
}

Deno.test("DEC: the gradient is the paper's formula", async () => {
  const [z, u] = [draw([N, P]), draw([K, P])];
  const { q, target } = assignments(z, draw([K, P]), N, K, P);
  const own = assignments(z, u, N, K, P).q;
  const found = await compute(
    { z: [[N, P], z], u: [[K, P], u], p: [[N, K], Float32Array.from(target)] },
    ({ z, u, p }) => {
      const [dz, du] = gradients(klDivergence(p, softAssign(z, u)), [z, u]);
      return { dz, du };
    },
  );
  assertNotEquals(own, q);
  const dz = new Float64Array(N * P);
  const du = new Float64Array(K * P);
  for (let i = 0; i < N; i++) {
    for (let k = 0; k < K; k++) {
      const p = Math.fround(target[i * K + k]);
      const factor = 2 / (1 + squaredDistance(z, i, u, k)) * (p - own[i * K + k]) / N;
      for (let j = 0; j < P; j++) {
        const part = factor * (z[i * P + j] - u[k * P + j]);
        dz[i * P + j] += part;
        du[k * P + j] -= part;
      }
    }
  }
  // The formula takes rows of p for exact sums of one; these are rounded to float32.
  assertClose(found.dz, dz, 1e-7);
  assertClose(found.du, du, 1e-7);
});

Deno.test("DEC: KL is 0 for p = q, positive else, and a p of 0 counts as 0", async () => {
  const [z, u] = [draw([N, P]), draw([K, P])];
  const { equal, other, sharp } = await compute(
    {
      z: [[N, P], z],
      u: [[K, P], u],
      p: [[1, 2], Float32Array.of(0, 1)],
      q: [[1, 2], Float32Array.of(0.75, 0.25)],
      s: [[K], draw([K], 1, 2)],
    },
    ({ z, u, p, q, s }) => {
      const soft = softAssign(z, u);
      return {
        equal: klDivergence(soft, soft),
        other: klDivergence(targetDistribution(soft, s), soft),
        sharp: klDivergence(p, q),
      };
    },
  );
  assertAlmostEquals(equal[0], 0, 1e-12);
  assertGreater(other[0], 1e-3);
  assertAlmostEquals(sharp[0], Math.log(4), 1e-12);
});

Deno.test("DEC: targets are of the whole data set, and their rows sum to one", async () => {
  // Enough assignments that they are made in parts.
  const [rows, clusters, latent] = [45_001, 100, 2];
  const backend = await openCpuBackend({ threads: 2 });
  using state = new State(backend);
  const data = draw([rows, latent], -3, 3);
  const centres = draw([clusters, latent], -3, 3);
  const codes = state.variable("codes", [rows, latent], { data });
  const centroids = state.variable("centroids", [clusters, latent], { data: centres });
  const targets = state.variable("targets", [rows, clusters]);
  using refresh = await traceRefresh(codes, centroids, targets);
  refresh.run(2);
  const found = await targets.read();
  await backend.dispose();
  const { target } = assignments(data, centres, rows, clusters, latent);
  let worst = 0;
  for (let i = 0; i < rows; i++) {
    let total = 0;
    for (let k = 0; k < clusters; k++) {
      const place = i * clusters + k;
      total += found[place];
      worst = Math.max(worst, Math.abs(found[place] - target[place]));
    }
    assertAlmostEquals(total, 1, 1e-5);
  }
  assertLess(worst, 1e-5);
});

Deno.test("IDEC, DCN, DKM: losses are sums and means of the sizes that their papers say", async () => {
  const oracle = new OracleBackend();
  using state = new State(oracle);
  const scene = new AuditScene(state, 1);
  const { net, x, centroids } = scene;
  const [n, d, p, k] = [AUDIT_ROWS, AUDIT_SIZES.inputs, AUDIT_SIZES.latent, AUDIT_CLUSTERS];
  const own = scene.drawn("own", [n, p], -1, 1);
  const targets = scene.drawn("targets", [n, k], 0.1, 0.2);
  const alpha = scene.given("alpha", [3]);
  using program = await trace(oracle, () => {
    const z = net.encode(x);
    const idec = idecLosses(net, x, centroids, targets, 0.1);
    const dcn = dcnLosses(net, x, own, 5);
    const dkm = dkmLosses(net, x, centroids, alpha, 0.7);
    return {
      z,
      image: net.decode(z),
      idec: idec.total,
      idecClustering: idec.clustering,
      dcn: dcn.total,
      dkm: dkm.total,
      dkmClustering: dkm.clustering,
    };
  });
  program.run();
  const found = await program.read();
  const [data, u, mine, t] = await oracle.read([x, centroids, own, targets].map((v) => v.region));
  let error = 0;
  for (let i = 0; i < n * d; i++) error += (found.image[i] - data[i]) ** 2;
  const { q } = assignments(found.z, u, n, k, p);
  let kl = 0;
  for (let i = 0; i < n * k; i++) kl += t[i] * Math.log(t[i] / q[i]) / n;
  let near = 0;
  let soft = 0;
  for (let i = 0; i < n; i++) {
    near += squaredDistance(found.z, i, mine, i, p) / n;
    const distances = Array.from({ length: k }, (_, l) => squaredDistance(found.z, i, u, l, p));
    const weights = distances.map((distance) => Math.exp(-3 * distance));
    const total = weights.reduce((a, b) => a + b);
    distances.forEach((distance, l) => soft += weights[l] / total * distance / n);
  }
  assertAlmostEquals(found.idecClustering[0], kl, 1e-12);
  assertAlmostEquals(found.idec[0], error / (n * d) + 0.1 * kl, 1e-12);
  assertAlmostEquals(found.dcn[0], error / n + 2.5 * near, 1e-12);
  assertAlmostEquals(found.dkmClustering[0], soft, 1e-12);
  assertAlmostEquals(found.dkm[0], error / n + 0.7 * soft, 1e-12);
});

Deno.test("DKM: at a large α the loss is that of hard k-means, at 0 the mean distance", async () => {
  const [z, u] = [draw([N, P]), draw([K, P])];
  const { cold, hot } = await compute(
    {
      z: [[N, P], z],
      u: [[K, P], u],
      large: [[1], Float32Array.of(1e6)],
      none: [[1], draw([1], 0, 0)],
    },
    ({ z, u, large, none }) => ({
      cold: softKMeansLoss(z, u, large),
      hot: softKMeansLoss(z, u, none),
    }),
  );
  let hard = 0;
  let mean = 0;
  for (let i = 0; i < N; i++) {
    const distances = Array.from({ length: K }, (_, k) => squaredDistance(z, i, u, k));
    hard += Math.min(...distances) / N;
    mean += distances.reduce((a, b) => a + b) / (N * K);
  }
  assertAlmostEquals(cold[0], hard, 1e-12);
  assertAlmostEquals(hot[0], mean, 1e-12);
});

Deno.test("DKM: the temperatures are the paper's series", () => {
  const alphas = annealedAlphas(0.1, 40);
  assertEquals(alphas.length, 40);
  assertAlmostEquals(alphas[1], 0.1 * 2 ** (1 / Math.log(2) ** 2), 1e-12);
  assertAlmostEquals(alphas[1] / alphas[0], 4.233, 1e-3);
  alphas.slice(1).forEach((alpha, i) => assertGreater(alpha, alphas[i]));
  assertEquals(annealedAlphas(1000, 1), [1000]);
});

Deno.test("DCN: the centroids of a batch are those of a loop over its samples", async () => {
  const z = draw([N, P]);
  const u = draw([K, P]);
  const labels = [2, 0, 2, 2, 1, 0, 2];
  const before = [0, 3, 100, 7];
  for (const backend of [new OracleBackend(), await openCpuBackend({ threads: 2 })]) {
    using state = new State(backend);
    const codes = state.variable("z", [N, P], { data: z });
    const which = state.variable("labels", [N], { dtype: "u32", data: Uint32Array.from(labels) });
    const counts = state.variable("c", [K], { dtype: "u32", data: Uint32Array.from(before) });
    const centroids = state.variable("u", [K, P], { data: u });
    using program = await trace(backend, () => {
      updateCentroids(codes, which, counts, centroids);
      return {};
    });
    program.run();
    const [moved, counted] = await backend.read([centroids.region, counts.region]);
    const expected = Float64Array.from(u);
    const count = [...before];
    labels.forEach((k, i) => {
      count[k]++;
      for (let j = 0; j < P; j++) {
        expected[k * P + j] -= (expected[k * P + j] - z[i * P + j]) / count[k];
      }
    });
    assertEquals([...counted], count);
    assertClose(moved, expected, 1e-6);
    // From a count of 0 the centroid is the mean of its samples, wherever it was.
    for (let j = 0; j < P; j++) {
      assertAlmostEquals(moved[j], (z[P + j] + z[5 * P + j]) / 2, 1e-6);
    }
    assertClose(moved.subarray(3 * P), u.subarray(3 * P), 0);
    if (!(backend instanceof OracleBackend)) await backend.dispose();
  }
});

/** Three kinds of rows, and what fits them in a moment. */
const samples = {
  data: Float32Array.from(
    { length: 60 * 6 },
    (_, i) => (i % 6 === Math.floor(i / 6) % 3 ? 0.8 : 0.1) + random.uniform(0, 0.1),
  ),
  n: 60,
  d: 6,
} satisfies Samples;
const TINY = {
  clusters: 3,
  hidden: [8],
  latent: 2,
  batchSize: 16,
  pretrainSteps: 10,
  steps: 12,
  checkInterval: 4,
  nInit: 2,
} as const;
const cpu = await openCpuBackend({ threads: 1 });

Deno.test("inputScale is the same as data multiplied by it, in training and after", async () => {
  const inputScale = Math.fround(5.1);
  const scaled = { ...samples, data: samples.data.map((value) => inputScale * value) };
  for (const Model of [DEC, IDEC, DCN, DKM]) {
    const [inside, outside] = [new Model({ ...TINY, inputScale }), new Model(TINY)];
    const [a, b] = [
      await inside.fit(samples, { backend: cpu }),
      await outside.fit(scaled, { backend: cpu }),
    ];
    assertEquals(a.embedding, b.embedding);
    assertEquals(a.prototypes, b.prototypes?.map((value) => value / inputScale));
    assertEquals(await inside.transform(samples), a.embedding);
    assertEquals(await inside.predict(samples), a.labels);
    await inside.dispose();
    await outside.dispose();
  }
});

Deno.test("DEC, IDEC: training stops at a refresh, not the first, that changes few labels", async () => {
  for (const Model of [DEC, IDEC]) {
    const model = new Model({ ...TINY, tol: 1 });
    const { nIter, stopReason, history } = await model.fit(samples, { backend: cpu });
    assertEquals(nIter, TINY.checkInterval);
    assertStringIncludes(stopReason, "changed labels, a share below tol 1");
    assertEquals(history.at(-1)!.step, TINY.checkInterval);
    await model.dispose();
  }
});

Deno.test("DCN: frozen centroids stay those of k-means, others move", async () => {
  const centres = async (freezeCentroids: boolean, steps: number) => {
    const model = new DCN({ ...TINY, freezeCentroids, steps });
    const { clusterCenters } = await model.fit(samples, { backend: cpu });
    await model.dispose();
    return clusterCenters;
  };
  const start = await centres(false, 0);
  assertEquals(await centres(true, 12), start);
  assertNotEquals(await centres(false, 12), start);
});

Deno.test("DKM: annealed, the code is as large as K and no network can be taken over", async () => {
  const model = new DKM({ ...TINY, start: "annealed", latent: 0 });
  const { embeddingSize, partitions } = await model.fit(samples, { backend: cpu });
  assertEquals(embeddingSize, TINY.clusters);
  assertEquals(partitions, {});
  const pretrained: Checkpoint = { variables: new Map(), host: {} };
  await assertRejects(
    () => model.fit(samples, { backend: cpu, pretrained }),
    RangeError,
    "pre-trains nothing",
  );
  await model.dispose();
});

Deno.test("DKM: annealed, every value of alpha has its steps, whatever their number", async () => {
  const options = { ...TINY, start: "annealed", alpha: 0.1, alphas: 4, steps: 11 } as const;
  const model = new DKM(options);
  const { history } = await model.fit(samples, { backend: cpu });
  await model.dispose();
  assertEquals([...new Set(history.map(({ alpha }) => alpha))], annealedAlphas(0.1, 4));
});

Deno.test("DKM: annealed, a resumed fit goes on with the temperature of its step", async () => {
  const fit = async (context: FitContext) => {
    const model = new DKM({ ...TINY, start: "annealed", alpha: 0.1, alphas: 4 });
    const result = await model.fit(samples, { backend: cpu, saveSteps: 2, ...context });
    await model.dispose();
    return result;
  };
  const saved: Checkpoint[] = [];
  const whole = await fit({ save: (checkpoint) => Promise.resolve(void saved.push(checkpoint)) });
  assertEquals(
    whole.history.slice(0, 4).map(({ step, alpha }) => [step, alpha]),
    annealedAlphas(0.1, 4).map((alpha, i) => [3 * i, alpha]),
  );
  for (const resume of saved) assertEquals(await fit({ resume }), whole);
});

Deno.test("DKM: Adam goes on with the moments of its own pre-training alone", async () => {
  let pretrained: Checkpoint | undefined;
  const savePretrained = (checkpoint: Checkpoint) =>
    Promise.resolve(void (pretrained = checkpoint));
  const codes = async (keepMoments: boolean, context: FitContext = {}) => {
    const model = new DKM({ ...TINY, keepMoments });
    const { embedding } = await model.fit(samples, { backend: cpu, ...context });
    await model.dispose();
    return embedding;
  };
  const afresh = await codes(false, { savePretrained });
  assertNotEquals(await codes(true), afresh);
  // The network of another run comes without moments.
  assertEquals(await codes(true, { pretrained: pretrained! }), afresh);
});

Deno.test("in order, a batch's row numbers are the same for rows that come in windows", async () => {
  const [n, batchSize] = [2500, 200];
  const data = Float32Array.from({ length: n }, (_, i) => i);
  const read = (first: number, into: Float32Array) => {
    into.set(data.subarray(first, first + into.length));
    return Promise.resolve();
  };
  for (const source of [data, { read, windowRows: 1024 }]) {
    using state = new State(cpu);
    using rows = await Rows.open(cpu, { data: source, n, d: 1 });
    const step = state.variable("step", [1], { dtype: "u32" });
    const settings = { batchSize, order: "sequential", seed: 0, step } as const;
    using programs = await BatchPrograms.trace(cpu, rows, settings, "numbers", (x, numbers) => {
      advance(step);
      return { x, numbers };
    });
    for (let s = 0; s < 30; s++) {
      const { program } = await programs.at(s);
      program.run();
      const { x, numbers } = await program.read();
      assertEquals([...numbers], [...x]);
      assertEquals(x[0], (s % 13) * batchSize);
    }
  }
});
